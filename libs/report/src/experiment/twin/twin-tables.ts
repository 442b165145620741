import type { Distribution } from '@kvasir/contracts'
import {
  type ByQuantile,
  type DecisionTally,
  ownWorkUs,
  type TwinLatency,
  type TwinOutcome,
  twinQuantiles,
} from '@kvasir/experiment'
import { significant, styleFor } from '../../numbers.js'
import type { CellTable } from '../../run-tables.js'
import { percent, signedPercent } from './twin-answer.js'
import type { TwinRun } from './twin-report.js'

const NONE = '–'

/** All tables of a run, in the order in which they are read. */
export function twinTables(run: TwinRun): readonly CellTable[] {
  return [
    latencyTable(run),
    pairTable(run),
    outcomeTable(run),
    pathTable(run),
    decisionTable(run),
    budgetTable(run),
  ]
}

/** Live beside simulated; what of the live path's share the measured costs explain, and what is left. */
export function latencyTable({ comparison }: TwinRun): CellTable {
  return {
    caption:
      'Latencies of the scenario. Simulated: with the measured costs of the live path, whose share is the path’s; range: of simulations whose costs are off by what they are unsteady by; arithmetic: without costs',
    header: [
      'latency',
      'live',
      'simulated',
      'live over simulated',
      'range',
      'beyond it',
      'arithmetic',
      'the path’s',
      'left',
    ],
    rows: comparison.latencies.flatMap((latency) =>
      twinQuantiles.map((quantile) => latencyRow(latency, quantile)),
    ),
  }
}

function latencyRow(
  { model, name, live, simulated, bare, gap, range, beyond }: TwinLatency,
  quantile: keyof ByQuantile<unknown>,
): readonly string[] {
  const values = [live, simulated, bare].map((side: Distribution) => side[quantile])
  const known = values.filter((value) => value !== null)
  const { write, suffix } = styleFor('us', known)
  const text = (value: number | null) => (value === null ? NONE : `${write(value)}${suffix}`)
  const [real, modelled, alone] = values
  const difference = (a: number | null, b: number | null) => {
    if (a === null || b === null) return NONE
    return `${a > b ? '+' : a < b ? '−' : ''}${write(Math.abs(a - b))}${suffix}`
  }
  return [
    `${model} ${name} ${quantile}`,
    text(real),
    text(modelled),
    signedPercent(gap[quantile]),
    rangeText(range[quantile], text),
    signedPercent(beyond[quantile]),
    text(alone),
    difference(modelled, alone),
    difference(real, modelled),
  ]
}

function rangeText(range: readonly [number, number] | null, text: (value: number) => string): string {
  return range === null ? NONE : `${text(range[0])} to ${text(range[1])}`
}

/** The same request live and simulated. */
export function pairTable({ comparison }: TwinRun): CellTable {
  return {
    caption: 'Request by request, live over simulated',
    header: ['latency', 'requests', 'median', '9 of 10 within'],
    rows: comparison.latencies.map(({ model, name, paired }) => [
      `${model} ${name}`,
      String(paired.pairs),
      signedPercent(paired.median),
      paired.p90 === null ? NONE : `±${percent(paired.p90)}`,
    ]),
  }
}

export function outcomeTable({ comparison }: TwinRun): CellTable {
  const both = <T>(live: T, simulated: T, text: (value: T) => string) => [text(live), text(simulated)]
  const failedText = ({ failed }: TwinOutcome) =>
    failed.size === 0 ? 'none' : [...failed].map(([reason, count]) => `${count} ${reason}`).join(', ')
  const attainment = (share: number | null) => (share === null ? NONE : percent(share))
  return {
    caption: 'What became of the requests',
    header: [
      'model',
      'requests',
      'finished live',
      'simulated',
      'others live',
      'simulated',
      'tokens live',
      'simulated',
      'in SLO live',
      'simulated',
    ],
    rows: comparison.models.map(({ model, live, simulated }) => [
      model,
      String(live.requests),
      ...both(live.finished, simulated.finished, String),
      ...both(live, simulated, failedText),
      ...both(live.outputTokens, simulated.outputTokens, String),
      ...both(live.sloAttainment, simulated.sloAttainment, attainment),
    ]),
  }
}

/** In real time, as it was measured. */
export function pathTable({ costs, quiet: { speed } }: TwinRun): CellTable {
  const millis = (us: number) => significant(us / speed / 1_000)
  const text = (us: number) => `${millis(us)} ms`
  return {
    caption:
      'What the live path takes beside arithmetic, measured on the idle cluster, real time: of a step of an engine alone; of that the way, words to its group and back, for which the group waits, and the engine’s own work (tokens to clients, planning), meanwhile the group may compute for another engine; of each further sequence in a step; and once a request before its first token (HTTP, text to tokens, the gateway)',
    header: [
      'model',
      'a step',
      'of that the way',
      'own work',
      'each further sequence',
      'front end',
      'of that the gateway',
      'step, way and front end unsteady by',
      'requests',
    ],
    rows: costs.map(({ model, stepUs, wayUs, sequenceUs, frontEndUs, gatewayUs, spread, requests }) => [
      model,
      text(stepUs),
      wayUs === null ? NONE : text(wayUs),
      wayUs === null ? NONE : text(ownWorkUs({ stepUs, wayUs })),
      text(sequenceUs),
      text(frontEndUs),
      gatewayUs === null ? NONE : text(gatewayUs),
      `${millis(spread.stepUs)}, ${millis(spread.wayUs)} and ${text(spread.frontEndUs)}`,
      String(requests),
    ]),
  }
}

export function decisionTable({ comparison: { decisions } }: TwinRun): CellTable {
  const { live, simulated } = decisions
  const row = (name: string, of: (tally: DecisionTally) => number) => [
    name,
    String(of(live)),
    String(of(simulated)),
  ]
  const outcomes = [...new Set([...live.outcomes.keys(), ...simulated.outcomes.keys()])].sort()
  return {
    caption: 'Decisions of the pools’ owners',
    header: ['decision', 'live', 'simulated'],
    rows: [
      row('rounds', ({ rounds }) => rounds),
      row('of these contended', ({ contended }) => contended),
      ...outcomes.map((name) => row(`request for memory ${name}`, (tally) => tally.outcomes.get(name) ?? 0)),
      row('bundles granted', ({ bundles }) => bundles),
    ],
  }
}

/** Means of the rounds in which an engine had work. */
export function budgetTable({ comparison: { decisions } }: TwinRun): CellTable {
  const { live, simulated } = decisions
  const engines = [...new Set([...live.budgets.keys(), ...simulated.budgets.keys()])].sort()
  const cells = (tally: DecisionTally, engine: string) => {
    const budget = tally.budgets.get(engine)
    if (budget === undefined) return [NONE, NONE, NONE, NONE, NONE]
    const { rounds, demandTokens, tokens, lentTokens, short } = budget
    return [
      String(rounds),
      significant(demandTokens),
      significant(tokens),
      significant(lentTokens),
      String(short),
    ]
  }
  const side = (name: string) => [`rounds ${name}`, 'demand', 'budget', 'lent', 'short']
  return {
    caption:
      'Budgets, tokens of a round, means of the rounds in which the engine had work; short: it got less than it demanded',
    header: ['engine', ...side('live'), ...side('simulated')],
    rows: engines.map((engine) => [engine, ...cells(live, engine), ...cells(simulated, engine)]),
  }
}
