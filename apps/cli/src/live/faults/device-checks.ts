import { type DeviceEvent, deviceHistoryLineSchema, parseDocument } from '@kvasir/contracts'
import { type Check, Checking } from './check.js'

/** What a group is thought to have, from its history alone. */
interface Believed {
  epoch: number
  /** Accepted nonce of each epoch. */
  readonly nonces: Map<number, number>
  /** By engine, the run that has opened the group. */
  readonly runs: Map<string, number>
  /** By bundle. */
  readonly owners: Map<number, string>
}

export interface GroupHistory {
  readonly pool: string
  readonly text: string
}

/** Reads what groups have recorded, and checks the laws that can be seen from there. A last line that is torn was never answered. */
export function checkGroups(histories: readonly GroupHistory[]): readonly Check[] {
  const checks = {
    owners: new Checking('2', 'a bundle is mapped by one engine at a time, and there are no more than exist'),
    restarts: new Checking('2', 'a group that starts again has what it had, as far as anybody was answered'),
    epochs: new Checking('3', 'the highest epoch of a group never falls, and has one owner'),
    stale: new Checking('3', 'nothing under an older epoch or by an older run maps or runs'),
  }
  for (const { pool, text } of histories) {
    const believed: Believed = { epoch: 0, nonces: new Map(), runs: new Map(), owners: new Map() }
    for (const line of text.split('\n').slice(0, -1)) {
      const parsed = parseDocument(deviceHistoryLineSchema, JSON.parse(line))
      if (parsed.kind === 'refused') throw new Error(`history of ${pool}: ${parsed.problems.join('; ')}`)
      apply(pool, believed, parsed.value.event, checks)
    }
  }
  return Object.values(checks).map(({ result }) => result)
}

type Checks = Readonly<Record<'owners' | 'restarts' | 'epochs' | 'stale', Checking>>

function apply(pool: string, believed: Believed, event: DeviceEvent, checks: Checks): void {
  if (event.kind === 'began') return begin(pool, believed, event, checks)
  if (event.refused !== undefined) return
  const { runs, owners } = believed
  switch (event.kind) {
    case 'fence': {
      const { epoch, nonce } = event
      const known = believed.nonces.get(epoch) ?? nonce
      checks.epochs.that(
        epoch >= believed.epoch && known === nonce,
        () =>
          `${pool}: fenced with ${epoch} of ${nonce} after ${believed.epoch} of ${believed.nonces.get(epoch)}`,
      )
      believed.epoch = epoch
      believed.nonces.set(epoch, nonce)
      return
    }
    case 'open':
      if (runs.get(event.engine) !== event.incarnation) unmapAll(owners, event.engine)
      runs.set(event.engine, event.incarnation)
      return
    case 'close':
      unmapAll(owners, event.engine)
      runs.delete(event.engine)
      return
    case 'map':
      checkSender(pool, believed, event, checks)
      for (const bundle of event.bundles) {
        checks.owners.that(
          !owners.has(bundle),
          () => `${pool}: bundle ${bundle} of ${owners.get(bundle)} was mapped by ${event.engine}`,
        )
        owners.set(bundle, event.engine)
      }
      return
    case 'unmap':
      for (const bundle of event.bundles) {
        checks.owners.that(
          owners.get(bundle) === event.engine,
          () => `${pool}: bundle ${bundle} of ${owners.get(bundle)} was unmapped by ${event.engine}`,
        )
        owners.delete(bundle)
      }
      return
    case 'execute':
      return checkSender(pool, believed, event, checks)
  }
}

function checkSender(
  pool: string,
  { epoch, runs }: Believed,
  event: Extract<DeviceEvent, { kind: 'map' | 'execute' }>,
  { stale }: Checks,
): void {
  stale.that(
    event.epoch >= epoch && runs.get(event.engine) === event.incarnation,
    () =>
      `${pool}: ${event.kind} by ${event.engine}/${event.incarnation} under ${event.epoch}; the group knows epoch ${epoch} and run ${runs.get(event.engine)}`,
  )
}

/**
 * What was recorded was answered, so a run must know all of it. A journal is written just before the history, so the group may know one
 * change more than was recorded: that one was never answered.
 */
function begin(
  pool: string,
  believed: Believed,
  { total, epoch, nonce, tenants }: Extract<DeviceEvent, { kind: 'began' }>,
  { restarts, owners }: Checks,
): void {
  const now = new Map(tenants.flatMap(({ engine, bundles }) => bundles.map((id) => [id, engine] as const)))
  const mapped = tenants.reduce((sum, { bundles }) => sum + bundles.length, 0)
  owners.that(
    mapped === now.size && [...now.keys()].every((id) => id < total),
    () => `${pool}: ${mapped} bundles mapped, ${now.size} of them different, ${total} exist`,
  )
  const changed = new Set<string>()
  for (const [id, engine] of believed.owners) if (now.get(id) !== engine) changed.add(engine)
  for (const [id, engine] of now) if (believed.owners.get(id) !== engine) changed.add(engine)
  restarts.that(
    epoch >= believed.epoch && changed.size <= 1,
    () =>
      `${pool}: began with epoch ${epoch} after ${believed.epoch}, and other bundles of ${[...changed].join(', ')}`,
  )
  believed.epoch = epoch
  if (epoch > 0) believed.nonces.set(epoch, nonce)
  believed.runs.clear()
  for (const { engine, incarnation } of tenants) believed.runs.set(engine, incarnation)
  believed.owners.clear()
  for (const [id, engine] of now) believed.owners.set(id, engine)
}

function unmapAll(owners: Map<number, string>, engine: string): void {
  for (const [bundle, owner] of owners) if (owner === engine) owners.delete(bundle)
}
