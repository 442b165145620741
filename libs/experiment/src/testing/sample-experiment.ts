import {
  type ExperimentSpecInput,
  parseExperiment,
  type ScenarioInput,
  type Summary,
  SUMMARY_VERSION,
} from '@kvasir/contracts'
import { type ExperimentPlan, planExperiment } from '../plan/plan-experiment.js'
import type { PlannedRun, RunOutcome } from '../run.js'

export const sampleBase: ScenarioInput = {
  name: 'base',
  durationS: 10,
  cluster: { groups: [{ id: 'left', gpu: 'H100', tp: 1 }] },
  models: [
    { name: 'chat', architecture: 'Llama-3.1-8B', pools: ['left'] },
    { name: 'code', architecture: 'Qwen3-8B', pools: ['left'], slo: { ttftMs: 100 } },
  ],
  workload: {
    generators: [
      {
        name: 'chat',
        model: 'chat',
        arrivals: { kind: 'poisson', ratePerS: 4 },
        lengths: { prompt: { kind: 'fixed', tokens: 100 }, output: { kind: 'fixed', tokens: 10 } },
      },
    ],
  },
}

export const sampleSpec: ExperimentSpecInput = {
  name: 'sample',
  question: 'Which policy is better?',
  base: sampleBase,
  factors: [
    { name: 'policy', values: ['static', 'weighted-max-min'] },
    { name: 'load', path: 'workload.rateScale', values: [0.5, 1] },
  ],
  seeds: [1, 2, 3],
  metrics: [
    { name: 'goodput', path: 'goodputPerS', better: 'higher' },
    { name: 'TTFT p99', path: 'ttftUs.p99', better: 'lower' },
  ],
  comparisons: [{ factor: 'policy', subject: 'weighted-max-min' }],
}

/** The plan of the sample, with changes. @throws when it is refused. */
export function samplePlan(change: Partial<ExperimentSpecInput> = {}): ExperimentPlan {
  const planned = tryPlan(change)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  return planned.value
}

export function tryPlan(change: Partial<ExperimentSpecInput> = {}): ReturnType<typeof planExperiment> {
  const spec = parseExperiment({ ...sampleSpec, ...change })
  return spec.kind === 'refused' ? spec : planExperiment({ spec: spec.value, base: spec.value.base })
}

/** An outcome in which nothing matters but what is said here. */
export function outcomeOf(
  { scenario }: Pick<PlannedRun, 'scenario'>,
  numbers: { readonly goodputPerS: number; readonly ttftP99Us?: number },
): RunOutcome {
  const none = { count: 0, mean: null, p50: null, p90: null, p95: null, p99: null, max: null }
  const summary: Summary = {
    version: SUMMARY_VERSION,
    scenario: scenario.name,
    seed: scenario.seed,
    policy: scenario.policy,
    requests: { submitted: 0, finished: 0, rejected: 0, unfinished: 0, rejectedBy: {} },
    tokens: { prompt: 0, output: 0, computed: 0, recomputed: 0, wastedShare: 0, prefixHit: 0 },
    ttftUs: { ...none, p99: numbers.ttftP99Us ?? null },
    tpotUs: none,
    itlUs: none,
    e2eUs: none,
    queueUs: none,
    sloAttainment: null,
    goodputPerS: numbers.goodputPerS,
    jain: null,
    weightedWaitUs: 0,
    weightedTurnaroundUs: 0,
    makespanUs: 0,
    preemptions: {
      brokered: 0,
      granted: 0,
      partial: 0,
      denied: 0,
      expired: 0,
      pending: 0,
      deniedBy: {},
      bundles: 0,
      victims: 0,
      local: 0,
    },
    swap: { outBytes: 0, inBytes: 0, waitUs: 0, savedTokens: 0 },
    simulatedUs: 0,
    wallMs: 1,
    events: 0,
    rounds: 0,
    interrupted: false,
    conditions: [],
    models: {},
    tenants: {},
    pools: {},
  }
  return { summary, drawing: '', samples: null }
}
