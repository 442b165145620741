import {
  type Claim,
  type ClusterInput,
  divide,
  divideCluster,
  IncrementalDivision,
  type KapslEngine,
  kapslBudgets,
  NO_CARRY,
} from '@kvasir/allocation'
import { SeededRng } from '@kvasir/kernel'
import { Ledger } from '@kvasir/reclaim'
import { heapHoldPerSecond, RECORDED_HEAP_HOLD_PER_SECOND } from './yardstick.js'

/** Bars of the issue that asked for this bench. */
export const ALLOCATION_BARS = {
  divisionUs: new Map([
    [1_000, 300],
    [10_000, 4_000],
  ]),
  p99OverMedian: 3,
  changeUs: 50,
  kapslTimesRecorded: 3,
} as const

/**
 * Microseconds a call of the earlier system in native code, weights 1, 2, 3, 5, 8 in turn, every second engine idle
 * (`shared/reference/prior-systems.md` §5.3).
 */
export const KAPSL_RECORDED_US = new Map([
  [10, 0.319],
  [100, 3.017],
  [1_000, 29.299],
  [10_000, 315.753],
])

const SEED = 4
const SIZES = [10, 100, 1_000, 10_000]
const WEIGHTS = [1, 2, 3, 5, 8]
/** Different inputs of a row, and times each is repeated. */
const QUESTIONS = 120
const REPEATS = 7
/** Calls of what is too short for the clock. */
const BATCH = 2_000

export interface Timing {
  /** Over inputs, each at the best of its repeats: what the call takes, not what the machine was doing besides. */
  readonly medianUs: number
  readonly p99Us: number
  /** Over every single call, as the clock on the wall has it. */
  readonly allP99Us: number
}

export interface SizedTiming extends Timing {
  readonly engines: number
}

export interface AllocationBenchResult {
  readonly seed: number
  readonly questions: number
  readonly repeats: number
  readonly yardstick: {
    readonly heapHoldPerSecond: number
    readonly recorded: number
    readonly speed: number
  }
  /** The default rule with guarantees, limits and demand, alone and with fractions carried from round to round. */
  readonly alone: readonly SizedTiming[]
  readonly overTime: readonly SizedTiming[]
  /** Median over engines x log2(engines), over the same at 1,000. */
  readonly growth: readonly { readonly engines: number; readonly perElement: number }[]
  /** The earlier system's rule over its recorded time: as it was recorded, and carried over to this machine by the yardstick. */
  readonly kapsl: readonly (SizedTiming & {
    readonly recordedUs: number
    readonly times: number
    readonly timesCarriedOver: number
  })[]
  /** Reading one engine's budget, and reserving one bundle and giving it back. */
  readonly single: readonly {
    readonly engines: number
    readonly budgetUs: number
    readonly reservationUs: number
  }[]
  /** One engine's new demand and guarantee, and its budget read. */
  readonly changes: readonly (SizedTiming & { readonly weights: string })[]
  readonly cluster: readonly (Timing & { readonly models: number; readonly pools: number })[]
}

/** @param report is told the name of each part before it runs. */
export function allocationBench(report: (part: string) => void): AllocationBenchResult {
  report('yardstick')
  const speed = heapHoldPerSecond() / RECORDED_HEAP_HOLD_PER_SECOND
  report('division')
  const alone = SIZES.map((engines) => ({ engines, ...timeDivision(engines, false) }))
  const overTime = SIZES.map((engines) => ({ engines, ...timeDivision(engines, true) }))
  report('the earlier rule')
  const kapsl = SIZES.map((engines) => {
    const timing = timeKapsl(engines)
    const recordedUs = KAPSL_RECORDED_US.get(engines) ?? Number.NaN
    const times = timing.medianUs / recordedUs
    return { engines, ...timing, recordedUs, times, timesCarriedOver: times * speed }
  })
  report('one budget, one reservation')
  const single = [10, 1_000, 10_000].map((engines) => ({
    engines,
    budgetUs: timeBudget(engines),
    reservationUs: timeReservation(engines),
  }))
  report('one change')
  const changes = [...changeShapes].flatMap(([weights, weightOf]) =>
    [1_000, 10_000].map((engines) => ({ weights, engines, ...timeChange(engines, weightOf) })),
  )
  report('a cluster')
  const cluster = [
    { models: 10, pools: 10 },
    { models: 30, pools: 60 },
    { models: 100, pools: 200 },
  ].map((size) => ({ ...size, ...timeCluster(size) }))
  return {
    seed: SEED,
    questions: QUESTIONS,
    repeats: REPEATS,
    yardstick: {
      heapHoldPerSecond: speed * RECORDED_HEAP_HOLD_PER_SECOND,
      recorded: RECORDED_HEAP_HOLD_PER_SECOND,
      speed,
    },
    alone,
    overTime,
    growth: growthOf(alone),
    kapsl,
    single,
    changes,
    cluster,
  }
}

function timeDivision(engines: number, carries: boolean): Timing {
  const rng = new SeededRng(SEED, `division ${engines}`)
  let carry = NO_CARRY
  return timed(() => {
    const input = { capacity: 60 * engines, claims: randomClaims(rng, engines, cycled) }
    if (!carries) return () => divide(input)
    // As rounds follow each other: the fractions of the round before, for the same engines with other demands.
    carry = divide({ ...input, carry }).carry
    const owed = carry
    return () => divide({ ...input, carry: owed })
  })
}

function timeKapsl(engines: number): Timing {
  const list = Array.from({ length: engines }, (_, i): KapslEngine => {
    return { id: idOf(i), weight: cycled(i), active: i % 2 === 0 }
  })
  const times = Math.max(1, Math.round(1_000 / engines))
  const timing = timed(() => () => {
    for (let k = 0; k < times; k++) kapslBudgets(1_000_000, list)
  })
  return {
    medianUs: timing.medianUs / times,
    p99Us: timing.p99Us / times,
    allP99Us: timing.allP99Us / times,
  }
}

function timeBudget(engines: number): number {
  const rng = new SeededRng(SEED, `budget ${engines}`)
  const kept = new IncrementalDivision({ capacity: 60 * engines, claims: randomClaims(rng, engines, cycled) })
  const asked = Array.from({ length: BATCH }, () => idOf(rng.int(engines)))
  return perCall(() => {
    let sum = 0
    for (const id of asked) sum += kept.amountOf(id) ?? 0
    return sum
  })
}

function timeReservation(engines: number): number {
  const rng = new SeededRng(SEED, `reservation ${engines}`)
  const ledger = new Ledger(60 * engines)
  for (let i = 0; i < engines; i++) ledger.grant(idOf(i), 30)
  const asking = Array.from({ length: BATCH }, () => idOf(rng.int(engines)))
  return perCall(() => {
    for (const id of asking) {
      ledger.reserve(id, 'request', 1)
      ledger.refund('request')
    }
    return ledger.free
  })
}

const changeShapes: ReadonlyMap<string, (engine: number, rng: SeededRng) => number> = new Map([
  ['1, 2, 3, 5, 8', cycled],
  ['1 to 100', (_: number, rng: SeededRng) => 1 + rng.int(100)],
  ['all alike', () => 1],
  ['all different', (engine: number) => engine + 1],
])

function timeChange(engines: number, weightOf: (engine: number, rng: SeededRng) => number): Timing {
  const rng = new SeededRng(SEED, `change ${engines}`)
  const claims = randomClaims(rng, engines, weightOf)
  const kept = new IncrementalDivision({ capacity: 60 * engines, claims })
  return timed(() => {
    const i = rng.int(engines)
    const before = claims[i]
    const after = randomClaim(rng, i, before.weight)
    claims[i] = after
    let next = after
    return () => {
      kept.put(next)
      kept.amountOf(next.id)
      next = next === after ? before : after
    }
  }, 10 * QUESTIONS)
}

function timeCluster({ models, pools }: { readonly models: number; readonly pools: number }): Timing {
  const rng = new SeededRng(SEED, `cluster ${models} ${pools}`)
  const weighted = Array.from({ length: models }, (_, m) => ({ id: `model-${m}`, weight: cycled(m) }))
  const places = Array.from({ length: pools }, (_, p) => ({
    capacity: 5_000 + rng.int(50_000),
    hosted: Array.from({ length: 4 + rng.int(4) }, (__, k) => ({
      engine: `${p}/${k}`,
      model: rng.int(models),
    })),
  }))
  let before: ReturnType<typeof divideCluster>['plan'] | undefined
  return timed(() => {
    const input: ClusterInput = {
      models: weighted,
      pools: places.map(({ capacity, hosted }) => ({
        capacity,
        engines: hosted.map(({ engine, model }) => ({
          engine,
          model: weighted[model].id,
          guarantee: 0,
          limit: Infinity,
          demand: rng.int(4) === 0 ? Infinity : rng.int(20_000),
        })),
      })),
      ...(before === undefined ? {} : { before }),
    }
    before = divideCluster(input).plan
    return () => divideCluster(input)
  })
}

function cycled(engine: number): number {
  return WEIGHTS[engine % WEIGHTS.length]
}

function idOf(engine: number): string {
  return `engine-${String(engine).padStart(5, '0')}`
}

function randomClaims(
  rng: SeededRng,
  engines: number,
  weightOf: (engine: number, rng: SeededRng) => number,
): Claim[] {
  return Array.from({ length: engines }, (_, i) => randomClaim(rng, i, weightOf(i, rng)))
}

/** Every second one idle, a quarter with a guarantee, a fifth with a limit; together they want more than there is. */
function randomClaim(rng: SeededRng, engine: number, weight: number): Claim {
  return {
    id: idOf(engine),
    weight,
    guarantee: rng.int(4) === 0 ? 20 : 0,
    limit: rng.int(5) === 0 ? 200 : Infinity,
    demand: rng.int(2) === 0 ? 0 : rng.int(300),
  }
}

/** Times what `ask` makes, an input at a time, after a warm-up of a fifth of a second and some inputs at least. */
function timed(ask: () => () => void, questions: number = QUESTIONS): Timing {
  const warm = performance.now() + 200
  for (let question = 0; question < 10 || performance.now() < warm; question++) {
    const run = ask()
    for (let repeat = 0; repeat < REPEATS; repeat++) run()
  }
  const best: number[] = []
  const all: number[] = []
  for (let question = 0; question < questions; question++) {
    const run = ask()
    let least = Infinity
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const started = performance.now()
      run()
      const us = (performance.now() - started) * 1_000
      least = Math.min(least, us)
      all.push(us)
    }
    best.push(least)
  }
  return { medianUs: quantile(best, 0.5), p99Us: quantile(best, 0.99), allP99Us: quantile(all, 0.99) }
}

/** Microseconds a call, best of several batches. */
function perCall(batch: () => number): number {
  let best = Infinity
  for (let attempt = 0; attempt < 50; attempt++) {
    const started = performance.now()
    batch()
    best = Math.min(best, ((performance.now() - started) * 1_000) / BATCH)
  }
  return best
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
}

function growthOf(rows: readonly SizedTiming[]): AllocationBenchResult['growth'] {
  const unit = ({ engines, medianUs }: SizedTiming): number => medianUs / (engines * Math.log2(engines))
  const reference = rows.find(({ engines }) => engines === 1_000)
  return rows.map((row) => ({
    engines: row.engines,
    perElement: reference === undefined ? Number.NaN : unit(row) / unit(reference),
  }))
}
