import type { Distribution, ModelSummary, PolicyName, PoolSummary, Summary } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { empiricalCdf, regimeOf, SampleSet, summarise } from '@kvasir/metrics'
import { compareRuns } from '../comparison.js'
import type { ModelCdfs, ModelSeries, ReportInput, ReportRun } from '../model.js'

/**
 * A made-up comparison that looks like a real one: bursts, a policy that is fair, one that is fast for the small model and
 * starves the large, one that leaves memory idle. For tests and for looking at the report; the numbers mean nothing.
 */
export interface SampleOptions {
  readonly policies?: readonly PolicyName[]
  readonly models?: readonly string[]
  readonly seeds?: readonly number[]
  readonly rows?: number
}

interface Character {
  /** Latency against the best. */
  readonly slow: number
  /** How much worse the last model is treated. */
  readonly bias: number
  /** Share of the pool that lies idle within leases. */
  readonly idle: number
  readonly brokers: boolean
}

const CHARACTERS: ReadonlyMap<PolicyName, Character> = new Map([
  ['weighted-max-min', { slow: 1, bias: 1.1, idle: 0.08, brokers: true }],
  ['kapsl-compat', { slow: 1.7, bias: 2.2, idle: 0.2, brokers: true }],
  ['uncoordinated', { slow: 0.8, bias: 9, idle: 0.02, brokers: false }],
  ['static', { slow: 2.6, bias: 1.4, idle: 0.45, brokers: false }],
])
const PLAIN: Character = { slow: 1.3, bias: 1.5, idle: 0.15, brokers: true }

const END_US = 612_000_000
const POOL_BUNDLES = 3_200
const MODELS = ['chat-8b', 'code-32b', 'agents-70b']

export function sampleReport(options: SampleOptions = {}): ReportInput {
  const policies = options.policies ?? ['weighted-max-min', 'kapsl-compat', 'uncoordinated', 'static']
  const models = options.models ?? MODELS
  const runs = policies.flatMap((policy) =>
    (options.seeds ?? [1]).map((seed) => sampleRun({ policy, seed, models, rows: options.rows ?? 600 })),
  )
  return {
    title: 'Three models, two groups, one burst after another',
    subtitle: '12,400 requests in ten minutes on two TP-4 groups of H100 80GB SXM',
    facts: [
      { label: 'cluster', value: '1 node, 8 × H100 80GB SXM, 2 groups of TP 4' },
      { label: 'models', value: models.slice(0, 3).join(', ') },
      { label: 'weights', value: '1 : 2 : 4' },
      { label: 'workload', value: 'bursty mix, fitted to Azure conv 2023' },
      { label: 'SLOs', value: 'TTFT 2 s, TPOT 60 ms' },
      { label: 'round', value: '100 ms' },
    ],
    models,
    runs,
    comparison:
      policies.length < 2
        ? undefined
        : compareRuns(runs, { subject: 'weighted-max-min', models: models.slice(0, 3) }),
    command: `npx kvasir simulate --policy ${policies.join(',')} --seed 1`,
  }
}

interface RunOptions {
  readonly policy: PolicyName
  readonly seed: number
  readonly models: readonly string[]
  readonly rows: number
}

function sampleRun({ policy, seed, models, rows }: RunOptions): ReportRun {
  const character = CHARACTERS.get(policy) ?? PLAIN
  const rng = new SeededRng(seed, policy)
  const series = models.map((model, i) =>
    sampleSeries(model, { i, of: models.length, rows }, character, seed),
  )
  const latencies = models.map((model, i) => sampleLatencies(model, i, character, rng))
  const timeUs = Array.from({ length: rows }, (_, row) => Math.round((row * END_US) / rows))
  const busy = (shift: number) =>
    timeUs.map((_, row) =>
      Math.min(1, 0.35 + 0.6 * burst(row / rows + shift, seed) + 0.1 * rng.uniform() - character.idle * 0.4),
    )
  return {
    policy,
    seed,
    summary: sampleSummary({ policy, seed, models, latencies, character }),
    series: {
      timeUs,
      endUs: END_US,
      models: series,
      pools: [
        { pool: 'node0/tp4-0', utilisation: busy(0) },
        { pool: 'node0/tp4-1', utilisation: busy(0.13) },
      ],
    },
    cdfs: latencies.map((latency) => latency.cdfs),
    preemptions: sampleMatrix(models, character, rng),
    notes: policy === 'static' ? ['Memory is divided by weight once; nothing is lent.'] : [],
  }
}

/** Load between 0 and 1 at a point of the run, the same for every policy. */
function burst(at: number, seed: number): number {
  const wave = 0.5 + 0.5 * Math.sin(9 * Math.PI * at + seed)
  const spike = Math.exp(-(((at - 0.42) * 14) ** 2)) + 0.8 * Math.exp(-(((at - 0.78) * 20) ** 2))
  return Math.min(1, 0.55 * wave + 0.75 * spike)
}

function sampleSeries(
  model: string,
  place: { readonly i: number; readonly of: number; readonly rows: number },
  character: Character,
  seed: number,
): ModelSeries {
  const rng = new SeededRng(seed, `series ${model}`)
  const weight = 2 ** (place.i % 3)
  const load = Array.from({ length: place.rows }, (_, row) => {
    const own = burst(row / place.rows + place.i * 0.21, seed)
    return Math.max(0, own * (0.8 + 0.4 * rng.uniform()) - 0.08)
  })
  const share = weight / (2.4 * place.of)
  const leased = load.map((value) => {
    const wanted = POOL_BUNDLES * share * (0.35 + value)
    return Math.round(
      character.idle > 0.4 ? POOL_BUNDLES * share * 1.02 : Math.min(wanted, (POOL_BUNDLES / place.of) * 1.1),
    )
  })
  return {
    model,
    budgetTokensPerS: load.map((value) =>
      Math.round(18_000 * share * (character.idle > 0.4 ? 1 : 0.2 + value)),
    ),
    leasedBundles: leased,
    usedBundles: load.map((value, row) =>
      Math.round(leased[row] * Math.min(1 - character.idle, 0.25 + value)),
    ),
    queueLength: load.map((value) =>
      Math.round(
        Math.max(0, value - 0.55) * 180 * character.slow * (1 + (place.i * (character.bias - 1)) / 3),
      ),
    ),
    running: load.map((value) => Math.round(64 * value)),
  }
}

interface SampleLatencies {
  readonly cdfs: ModelCdfs
  readonly ttftUs: Distribution
  readonly tpotUs: Distribution
  readonly e2eUs: Distribution
  readonly queueUs: Distribution
  readonly weightedWaitUs: number
  readonly weightedTurnaroundUs: number
  readonly withinSlo: number
}

function sampleLatencies(model: string, i: number, character: Character, rng: SeededRng): SampleLatencies {
  const [ttft, tpot, e2e, queue] = [new SampleSet(), new SampleSet(), new SampleSet(), new SampleSet()]
  const unfair = 1 + ((character.bias - 1) * i) / 2
  for (let request = 0; request < 1_500; request++) {
    const isQueued = rng.uniform() < 0.3 * character.slow
    const waitUs = isQueued ? 250_000 * character.slow * unfair * Math.exp(1.1 * rng.normal()) : 0
    const prefillUs = 45_000 * (1 + i) * Math.exp(0.6 * rng.normal())
    const gapUs = 14_000 * (1 + 0.7 * i) * (1 + 0.15 * rng.uniform()) * character.slow ** 0.3
    const tokens = 20 + 180 * rng.exponential()
    queue.add(Math.round(waitUs))
    ttft.add(Math.round(waitUs + prefillUs))
    tpot.add(Math.round(gapUs))
    e2e.add(Math.round(waitUs + prefillUs + gapUs * tokens))
  }
  return {
    cdfs: {
      model,
      ttft: empiricalCdf(ttft, 201),
      e2e: empiricalCdf(e2e, 201),
      queue: empiricalCdf(queue, 201),
      slo: { ttftUs: 2_000_000 },
    },
    ttftUs: summarise(ttft),
    tpotUs: summarise(tpot),
    e2eUs: summarise(e2e),
    queueUs: summarise(queue),
    weightedWaitUs: queue.sum * 2 ** (i % 3),
    weightedTurnaroundUs: e2e.sum * 2 ** (i % 3),
    withinSlo: ttft.countAtMost(2_000_000) / ttft.count,
  }
}

interface SummaryOptions {
  readonly policy: PolicyName
  readonly seed: number
  readonly models: readonly string[]
  readonly latencies: readonly SampleLatencies[]
  readonly character: Character
}

const noSwap = { outBytes: 0, inBytes: 0, waitUs: 0, savedTokens: 0 } as const

function sampleSummary({ policy, seed, models, latencies, character }: SummaryOptions): Summary {
  const each = Math.round(12_400 / models.length)
  const model = (i: number): ModelSummary => {
    const { ttftUs, tpotUs, e2eUs, queueUs, weightedWaitUs, weightedTurnaroundUs, withinSlo } = latencies[i]
    const rejected = Math.round(each * Math.max(0, character.slow - 1.6) * 0.01)
    return {
      architecture: ['Llama-3.1-8B', 'Qwen3-32B', 'Llama-3.1-70B'][i % 3],
      weight: 2 ** (i % 3),
      priority: 0,
      replicas: 2,
      requests: {
        submitted: each,
        finished: each - rejected,
        rejected,
        unfinished: 0,
        rejectedBy: { queue_full: rejected },
      },
      tokens: {
        prompt: each * 1_150,
        output: each * 200,
        computed: Math.round(each * (1_350 + 12 * character.slow)),
        recomputed: Math.round(each * 12 * character.slow),
        wastedShare: (12 * character.slow) / (1_350 + 12 * character.slow),
        prefixHit: 0,
      },
      ttftUs,
      tpotUs,
      itlUs: tpotUs,
      e2eUs,
      queueUs,
      sloAttainment: withinSlo * (1 - rejected / each),
      goodputPerS: (each * withinSlo) / (END_US / 1e6),
      jain: null,
      weightedWaitUs,
      weightedTurnaroundUs,
      makespanUs: Math.round(END_US * (0.99 + 0.012 * character.slow)),
      preemptions: preemptions(Math.round(110 / models.length), character),
      swap: noSwap,
    }
  }
  const all = models.map((_, i) => model(i))
  const total = (pick: (summary: ModelSummary) => number) =>
    all.reduce((sum, summary) => sum + pick(summary), 0)
  const worst = all[all.length - 1]
  return {
    version: 1,
    scenario: 'sample',
    seed,
    policy,
    requests: {
      submitted: total((m) => m.requests.submitted),
      finished: total((m) => m.requests.finished),
      rejected: total((m) => m.requests.rejected),
      unfinished: 0,
      rejectedBy: { queue_full: total((m) => m.requests.rejected) },
    },
    tokens: {
      prompt: total((m) => m.tokens.prompt),
      output: total((m) => m.tokens.output),
      computed: total((m) => m.tokens.computed),
      recomputed: total((m) => m.tokens.recomputed),
      wastedShare: worst.tokens.wastedShare,
      prefixHit: 0,
    },
    ttftUs: worst.ttftUs,
    tpotUs: worst.tpotUs,
    itlUs: worst.itlUs,
    e2eUs: worst.e2eUs,
    queueUs: worst.queueUs,
    sloAttainment: total((m) => m.sloAttainment ?? 0) / models.length,
    goodputPerS: total((m) => m.goodputPerS),
    jain: 1 / (1 + 0.03 * (character.bias - 1)),
    weightedWaitUs: total((m) => m.weightedWaitUs),
    weightedTurnaroundUs: total((m) => m.weightedTurnaroundUs),
    makespanUs: worst.makespanUs,
    preemptions: preemptions(110, character),
    swap: noSwap,
    simulatedUs: END_US,
    wallMs: 1_830,
    events: 1_482_113,
    rounds: 6_120,
    interrupted: false,
    conditions: [],
    models: Object.fromEntries(models.map((name, i) => [name, all[i]])),
    tenants: {},
    pools: { 'node0/tp4-0': samplePool(0.81, character), 'node0/tp4-1': samplePool(0.77, character) },
  }
}

function preemptions(asked: number, { brokers }: Character): Summary['preemptions'] {
  const brokered = brokers ? asked : 0
  const granted = Math.round(brokered * 0.7)
  const partial = Math.round(brokered * 0.1)
  return {
    brokered,
    granted,
    partial,
    denied: brokered - granted - partial,
    expired: 0,
    pending: 0,
    deniedBy: {},
    bundles: granted * 9,
    victims: granted * 2,
    local: 40,
  }
}

function samplePool(utilisation: number, { idle, slow }: Character): PoolSummary {
  const step = new SampleSet()
  for (let i = 1; i < 100; i++) step.add(9_000 * slow ** 0.2 + i * 180)
  const load = utilisation - idle * 0.3
  return {
    gpu: 'H100-SXM5-80GB',
    tp: 4,
    engines: ['chat-8b/0', 'code-32b/0', 'agents-70b/0'],
    bundles: POOL_BUNDLES / 2,
    utilisation: load,
    load,
    queueGrowth: 0.01,
    regime: regimeOf(load, 0.01),
    kvUtilisation: 0.74 - idle,
    peakBundles: Math.round((POOL_BUNDLES / 2) * (0.99 - idle / 2)),
    fragmentation: { internal: 0.031, bundle: 0.074, pool: 0.12, edge: 0.02 },
    growth: { taken: 9_120, asked: 412 },
    steps: 31_204,
    stepTokensMean: 412.6,
    stepTimeUs: summarise(step),
  }
}

function sampleMatrix(
  models: readonly string[],
  { brokers }: Character,
  rng: SeededRng,
): ReportRun['preemptions'] {
  const names = models.flatMap((model) => [`${model}/0`, `${model}/1`])
  return {
    names,
    bundles: names.map((_, taker) =>
      names.map((_, donor) =>
        !brokers || taker === donor || rng.uniform() < 0.35 ? 0 : rng.int(12) * (1 + taker),
      ),
    ),
  }
}
