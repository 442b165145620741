import { SeededRng } from '@kvasir/kernel'
import {
  compareChoices,
  type ComparedChoices,
  decide,
  type EngineView,
  type PoolView,
  type ReclaimRequest,
  type SupplyShape,
} from '@kvasir/reclaim'
import { heapHoldPerSecond, RECORDED_HEAP_HOLD_PER_SECOND } from './yardstick.js'

/** Bars of the issue that asked for this bench, in milliseconds. */
export const BROKER_BARS = { decisionP99Ms: 2, refusalP99Ms: 1 } as const

const DONORS = 8
const QUESTIONS = 200
/** Times each question is decided, after the warm-up. */
const REPEATS = 7
const SEED = 7
const QUALITY_SEED = 10_000

export interface BrokerBenchRow {
  readonly name: string
  readonly groups: number
  /** Bundles the requester needs from groups in use. */
  readonly bundles: number
  /** Over questions, each at the best of its repeats: what the question takes, not what the machine was doing besides. */
  readonly medianMs: number
  readonly p99Ms: number
  /** Over every single run, as the clock on the wall has it. */
  readonly allP99Ms: number
  /** Share of the decisions that are proved to cost least (or, for refusals, that are refusals). */
  readonly proved: number
  /** The bar of its p99; null: none. */
  readonly barMs: number | null
}

export interface BrokerBenchResult {
  readonly seed: number
  readonly questions: number
  readonly repeats: number
  /** Heap pairs a second here over those recorded for the machine of earlier figures. */
  readonly speed: number
  readonly decisions: readonly BrokerBenchRow[]
  readonly refusals: readonly BrokerBenchRow[]
  readonly growth: readonly BrokerBenchRow[]
  /** Whole groups and supply curves, against the least cost there is. */
  readonly quality: readonly (ComparedChoices & { readonly shape: SupplyShape })[]
}

export interface BrokerBenchOptions {
  /** Random preemptions that are compared with the optimum. */
  readonly instances: number
  readonly report: (row: BrokerBenchRow) => void
}

interface Question {
  readonly request: ReclaimRequest
  readonly view: PoolView
}

/** What the groups of a question are like. */
interface Shape {
  readonly groups: number
  readonly bundles: number
  /** Bundles of all groups together, about. */
  readonly offered: number
  /** Cost of a group of so many bundles. */
  cost(rng: SeededRng, bundles: number): number
  /** Share of each donor's bundles that its guarantee protects. */
  readonly guaranteed: number
  /** Groups are multiples of it; the request is for all that guarantees leave, which no groups add up to. */
  readonly grain?: number
  readonly eligibleInUs?: (rng: SeededRng) => number
  readonly priority?: (rng: SeededRng) => number
}

/** Cost independent of size, as of work with unlike progress. */
const unlike = (rng: SeededRng, bundles: number): number => Math.round(bundles * (200 + rng.int(1_800)))
/** Cost in proportion to size, but for little: the hardest, for hardly any choice can be ruled out early. */
const alike = (rng: SeededRng, bundles: number): number => bundles * 1_000 + rng.int(100)

/** Time of whole decisions, explanation included, on pools in which everything is in use. */
export function brokerBench({ instances, report }: BrokerBenchOptions): BrokerBenchResult {
  const row = (name: string, shape: Shape, barMs: number | null, refused = false): BrokerBenchRow => {
    const measured = measure(name, shape, barMs, refused)
    report(measured)
    return measured
  }
  const plain: Shape = { groups: 160, bundles: 4_000, offered: 8_000, cost: unlike, guaranteed: 0 }
  const { decisionP99Ms, refusalP99Ms } = BROKER_BARS
  return {
    seed: SEED,
    questions: QUESTIONS,
    repeats: REPEATS,
    speed: heapHoldPerSecond() / RECORDED_HEAP_HOLD_PER_SECOND,
    decisions: [
      row('groups go whole', plain, decisionP99Ms),
      row(
        'guarantees bind for half of every donor',
        { ...plain, guaranteed: 0.5, offered: 10_000 },
        decisionP99Ms,
      ),
      row('costs alike', { ...plain, cost: alike }, decisionP99Ms),
      row(
        'costs alike, guarantees bind',
        { ...plain, cost: alike, guaranteed: 0.5, offered: 10_000 },
        decisionP99Ms,
      ),
    ],
    refusals: [
      row('work of no lower priority', { ...plain, priority: () => 9 }, refusalP99Ms, true),
      row(
        'no whole groups fit above guarantees',
        { ...plain, guaranteed: 0.5, grain: 16 },
        refusalP99Ms,
        true,
      ),
      row('within guarantees', { ...plain, guaranteed: 0.9 }, refusalP99Ms, true),
      row(
        'not resident long enough',
        { ...plain, eligibleInUs: (rng) => 1 + rng.int(5_000_000) },
        refusalP99Ms,
        true,
      ),
    ],
    growth: [40, 160, 640].flatMap((groups) =>
      [1_000, 4_000, 16_000].map((bundles) =>
        row(
          `${groups} x ${bundles}`,
          { groups, bundles, offered: 2 * bundles, cost: unlike, guaranteed: 0 },
          null,
        ),
      ),
    ),
    quality: (['groups', 'curves'] as const).map((shape) => ({
      shape,
      ...compareChoices({ seed: QUALITY_SEED, instances, shape }),
    })),
  }
}

function measure(name: string, shape: Shape, barMs: number | null, refused: boolean): BrokerBenchRow {
  const rng = new SeededRng(SEED, name)
  const questions = Array.from({ length: QUESTIONS }, () => question(rng, shape))
  for (const { request, view } of questions) decide(request, view)
  const all: number[] = []
  let proved = 0
  const best = questions.map(({ request, view }) => {
    const times = Array.from({ length: REPEATS }, () => {
      const started = performance.now()
      const decision = decide(request, view)
      const ended = performance.now()
      if (refused ? decision.outcome === 'denied' : decision.outcome === 'granted' && decision.exact) proved++
      return ended - started
    })
    all.push(...times)
    return Math.min(...times)
  })
  return {
    name,
    groups: shape.groups,
    bundles: shape.bundles,
    medianMs: quantile(best, 0.5),
    p99Ms: quantile(best, 0.99),
    allP99Ms: quantile(all, 0.99),
    proved: proved / (QUESTIONS * REPEATS),
    barMs,
  }
}

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(q * values.length)]
}

/** Eight donors that use all they hold. */
function question(rng: SeededRng, shape: Shape): Question {
  const { grain = 1 } = shape
  const mean = shape.offered / shape.groups
  const donors = Array.from({ length: DONORS }, (_, d): EngineView => {
    const supply = Array.from({ length: shape.groups / DONORS }, () => {
      const size = 1 + rng.int(Math.max(1, Math.round(2 * mean) - 1))
      const bundles = grain * Math.ceil(size / grain)
      return {
        priority: shape.priority?.(rng) ?? rng.int(5),
        bundles,
        costUs: shape.cost(rng, bundles),
        eligibleInUs: shape.eligibleInUs?.(rng) ?? 0,
      }
    })
    const leased = supply.reduce((sum, { bundles }) => sum + bundles, 0)
    return {
      id: `donor-${d}`,
      weight: 1,
      guarantee: Math.floor(leased * shape.guaranteed) + (grain > 1 ? 1 : 0),
      limit: Infinity,
      entitlement: 0,
      leased,
      inUse: leased,
      state: 'live',
      supplyKind: 'groups',
      supply,
    }
  })
  const leased = donors.reduce((sum, donor) => sum + donor.leased, 0)
  const needed =
    grain > 1 ? donors.reduce((sum, donor) => sum + donor.leased - donor.guarantee, 0) : shape.bundles
  const requester: EngineView = {
    id: 'requester',
    weight: 1,
    guarantee: 0,
    limit: Infinity,
    entitlement: 0,
    leased: 0,
    inUse: 0,
    state: 'live',
    supply: [],
  }
  return {
    request: { id: 'bench/1', engine: 'requester', bundles: needed, priority: 8, class: 'priority' },
    view: { nowUs: 0, bundles: leased, free: 0, engines: [...donors, requester] },
  }
}
