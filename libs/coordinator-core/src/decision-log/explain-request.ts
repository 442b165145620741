import type { DonorsDecisionRecord, EndDecisionRecord } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { count, type Decision, duration, list } from '@kvasir/reclaim'
import { decideDonors, type DonorQuestion } from '../donor-question.js'
import { donorQuestionOf } from './donors-record.js'

/** The same choice without one of the donors it took. */
export interface DonorAlternative {
  readonly without: string
  readonly outcome: Decision['outcome']
  readonly granted: number
  readonly costUs: number
  readonly text: string
}

/** An engine that was not chosen. */
export interface Bystander {
  readonly engine: string
  readonly text: string
}

export interface ExplainedChoice {
  readonly atUs: Micros
  readonly outcome: Decision['outcome']
  readonly reason: Decision['reason']
  readonly granted: number
  readonly costUs: number
  readonly donors: readonly {
    readonly engine: string
    readonly bundles: number
    readonly costUs: number
    readonly class: string
  }[]
  readonly numbers: Decision['numbers']
  readonly explanation: string
  readonly counterfactual: string
  readonly alternatives: readonly DonorAlternative[]
  readonly bystanders: readonly Bystander[]
}

/** Why a preemption request was answered as it was. */
export interface RequestExplanation {
  readonly kind: 'preemption'
  readonly id: string
  readonly engine: string
  readonly pool: string
  readonly observeOnly: boolean
  readonly priority: number
  readonly bundles: number
  readonly minBundles: number
  /** A request that was replanned has two. */
  readonly choices: readonly ExplainedChoice[]
  /** Null: it had not ended when the log did. */
  readonly end: {
    readonly atUs: Micros
    readonly cause: EndDecisionRecord['cause']
    readonly outcome: EndDecisionRecord['answer']['outcome']
    readonly text: string
  } | null
  readonly sentences: readonly string[]
}

/** @param choices of one request, in their order; at least one. */
export function explainRequest(
  choices: readonly DonorsDecisionRecord[],
  end: EndDecisionRecord | undefined,
): RequestExplanation {
  const [first] = choices
  const { request, pool, observeOnly, atUs } = first
  const { id, engine, bundles, priority } = request
  const minBundles = request.minBundles ?? bundles
  const explained = choices.map(explainChoice)
  const asked = minBundles < bundles ? `${minBundles} to ${count(bundles)}` : count(bundles)
  return {
    kind: 'preemption',
    id,
    engine,
    pool,
    observeOnly,
    priority,
    bundles,
    minBundles,
    choices: explained,
    end: end === undefined ? null : endOf(end),
    sentences: [
      `${id}: ${engine} asked pool ${pool} for ${asked} at priority ${priority}, at ${seconds(atUs)}.`,
      ...explained.flatMap((choice, i) => choiceSentences(choice, i)),
      end === undefined
        ? 'It had not ended when the log did.'
        : `It ended at ${seconds(end.atUs)}: ${endOf(end).text}.`,
      ...(observeOnly ? ['The pool is only observed: what was planned was not carried out.'] : []),
    ],
  }
}

function explainChoice(record: DonorsDecisionRecord): ExplainedChoice {
  const question = donorQuestionOf(record)
  const decision = decideDonors(question)
  const { outcome, reason, granted, costUs, donors, numbers, explanation, counterfactual } = decision
  const chosen = new Set(donors.map((share) => share.engine))
  const stopped = donors.filter((share) => share.class !== 'unused').map((share) => share.engine)
  return {
    atUs: record.atUs,
    outcome,
    reason,
    granted,
    costUs,
    donors: donors.map((share) => ({
      engine: share.engine,
      bundles: share.bundles,
      costUs: share.costUs,
      class: share.class,
    })),
    numbers,
    explanation,
    counterfactual: counterfactual.text,
    alternatives: [...new Set(stopped)].map((engine) => withoutDonor(question, decision, engine)),
    bystanders: question.view.engines
      .filter(({ id }) => id !== question.request.engine && !chosen.has(id))
      .map(bystander),
  }
}

function withoutDonor(question: DonorQuestion, taken: Decision, engine: string): DonorAlternative {
  const engines = question.view.engines.map((view) =>
    view.id === engine ? { ...view, state: 'silent' as const } : view,
  )
  const { outcome, granted, costUs, donors } = decideDonors({
    ...question,
    view: { ...question.view, engines },
  })
  const givers = list(donors.map((share) => `${share.engine} (${share.bundles})`))
  const text =
    outcome === 'denied'
      ? `Without ${engine} it would have been denied`
      : `Without ${engine} ${count(granted)} would have cost ${duration(costUs)} of work instead of ${duration(taken.costUs)}${givers === '' ? '' : `, from ${givers}`}`
  return { without: engine, outcome, granted, costUs, text }
}

function bystander(view: DonorQuestion['view']['engines'][number]): Bystander {
  const { id, leased, inUse, guarantee, entitlement, state, supply, boost = 0 } = view
  const priorities = supply.map(({ priority }) => priority + boost)
  const work =
    supply.length === 0
      ? 'offers nothing in use'
      : `offers work from priority ${Math.min(...priorities)}, at least ${duration(Math.min(...supply.map(({ costUs }) => costUs)))}`
  const unheard = state === 'live' ? '' : ` and is ${state}`
  return {
    engine: id,
    text: `${id} was not asked: it holds ${leased}, uses ${inUse}, is guaranteed ${guarantee} and keeps ${entitlement}; it ${work}${unheard}`,
  }
}

function choiceSentences(choice: ExplainedChoice, index: number): readonly string[] {
  const { outcome, reason, explanation, counterfactual, alternatives, bystanders } = choice
  const again =
    index === 0
      ? ''
      : `Its donors did not release in time, so it was planned again at ${seconds(choice.atUs)}. `
  const code = outcome === 'denied' ? `denied: ${reason}` : outcome
  return [
    `${again}${sentence(explanation)} [${code}]`,
    ...(counterfactual === '' ? [] : [`Counterfactual: ${counterfactual}.`]),
    ...alternatives.map(({ text }) => sentence(text)),
    ...bystanders.map(({ text }) => sentence(text)),
  ]
}

/** Names of engines come first in many: nothing is made a capital. */
function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}

function endOf(end: EndDecisionRecord): NonNullable<RequestExplanation['end']> {
  const { outcome, explanation } = end.answer
  const reason = outcome.kind === 'denied' || outcome.kind === 'expired' ? ` (${outcome.reason})` : ''
  const text = `${outcome.kind.replaceAll('_', ' ')}${reason}, ${explanation}`
  return { atUs: end.atUs, cause: end.cause, outcome, text }
}

function seconds(micros: Micros): string {
  return `${(micros / MICROS_PER_SECOND).toFixed(3)} s`
}
