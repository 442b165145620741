import type { DonorsDecisionRecord, RoundDecisionRecord } from '@kvasir/contracts'
import { entitlementTowards, replayRecord } from '@kvasir/coordinator-core'
import { BadInput } from '../bad-input.js'
import type { RecordedRequest } from './decision-source.js'
import { type Edit, editChoice, editRound } from './edit-record.js'

/** A recorded decision and the same one on an edited copy. */
export type Imagined =
  | { readonly kind: 'round'; readonly before: RoundDecisionRecord; readonly after: RoundDecisionRecord }
  | { readonly kind: 'donors'; readonly before: DonorsDecisionRecord; readonly after: DonorsDecisionRecord }

/**
 * Takes rounds again with the edits applied, each where it is about somebody.
 * @param asked engines that `engine.FIELD` means.
 * @throws {BadInput} when an edit is about nobody.
 */
export function imagineRounds(
  rounds: readonly RoundDecisionRecord[],
  edits: readonly Edit[],
  asked: ReadonlySet<string>,
): readonly Imagined[] {
  const met = new Set<Edit>()
  const imagined = rounds.flatMap((before) => {
    const copy = editedRound(before, edits, asked, met)
    return copy === before ? [] : [{ kind: 'round' as const, before, after: replayRecord(copy) }]
  })
  refuseUnmet(edits, met, namesIn(rounds))
  return imagined
}

/**
 * Takes the choices of a request again. A weight changes shares: they are divided anew, as the round before the request did.
 * @throws {BadInput} when an edit is about nobody.
 */
export function imagineRequest(
  { choices, round }: RecordedRequest,
  edits: readonly Edit[],
): readonly Imagined[] {
  const met = new Set<Edit>()
  const models = new Map(round?.engines.map((row) => [row[0], row[1]]) ?? [])
  const ofShares = edits.filter(({ field }) => field === 'weight')
  const imagined = choices.map((before): Imagined => {
    const asked = new Set([before.request.engine])
    let copy = before
    if (round !== undefined && ofShares.length > 0)
      copy = withShares(copy, replayRecord(editedRound(round, ofShares, asked, met)))
    for (const edit of edits) {
      const next = editChoice(copy, edit, models)
      if (next === undefined) continue
      met.add(edit)
      copy = next
    }
    return { kind: 'donors', before, after: replayRecord(copy) }
  })
  refuseUnmet(edits, met, [
    ...choices.flatMap(({ view }) => view.engines.map((row) => row[0])),
    'request',
    'policy',
    'pool',
  ])
  return imagined
}

function editedRound(
  round: RoundDecisionRecord,
  edits: readonly Edit[],
  asked: ReadonlySet<string>,
  met: Set<Edit>,
): RoundDecisionRecord {
  let copy = round
  for (const edit of edits) {
    const next = editRound(copy, edit, asked)
    if (next === undefined) continue
    met.add(edit)
    copy = next
  }
  return copy
}

/** The choice with the entitlements of a round. */
function withShares(choice: DonorsDecisionRecord, round: RoundDecisionRecord): DonorsDecisionRecord {
  const entitled = new Map(round.engines.map((row, i) => [row[0], round.answer.shares[i][4]]))
  const { engine } = choice.request
  const engines = choice.view.engines.map((row): typeof row => {
    const bundles = entitled.get(row[0])
    if (bundles === undefined) return row
    const [id, weight, guarantee, limit, , ...rest] = row
    const share = entitlementTowards(bundles, id === engine ? 'requester' : 'donor', round.settings)
    return [id, weight, guarantee, limit, share, ...rest]
  })
  return { ...choice, view: { ...choice.view, engines } }
}

function refuseUnmet(edits: readonly Edit[], met: ReadonlySet<Edit>, names: readonly string[]): void {
  const unmet = edits.find((edit) => !met.has(edit))
  if (unmet === undefined) return
  throw new BadInput(
    `--set ${unmet.text}: nobody here is called ${unmet.target}; known are ${[...new Set(names)].join(', ')}`,
  )
}

function namesIn(rounds: readonly RoundDecisionRecord[]): readonly string[] {
  return [...rounds.flatMap(({ engines }) => engines.flatMap((row) => [row[0], row[1]])), 'pool']
}
