import type { FaultKind, FaultRecordSummary, FaultSummary } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import type { EngineHost } from '../build.js'
import { BUCKET_US, goodputDip } from './goodput-dip.js'

/** One fault, and what it has done so far. */
export class FaultRecord {
  readonly kind: FaultKind
  readonly target: string
  readonly atUs: Micros
  /** Pools that have no owner because of it. */
  ownerless = 0
  retried = 0
  lost = 0
  /** Requests under way when it happened, and those of them that met their SLOs all the same. */
  readonly underWay: number
  survived = 0
  #ownedUs: Micros | null = 0
  #budgetsUs: Micros | null = 0
  /** What each engine has to hear of: an owner, and itself as a run, no older than these. */
  readonly #waiting = new Map<EngineHost, { readonly epoch: number; readonly incarnation: number }>()

  constructor(fault: Pick<FaultRecord, 'kind' | 'target' | 'atUs' | 'underWay'>) {
    this.kind = fault.kind
    this.target = fault.target
    this.atUs = fault.atUs
    this.underWay = fault.underWay
  }

  /** The engine has no budget from now on until it hears one under this epoch and incarnation, or later ones. */
  touch(engine: EngineHost, least: { readonly epoch: number; readonly incarnation: number }): void {
    this.#budgetsUs = null
    this.#waiting.set(engine, least)
  }

  /** A pool has lost its owner. */
  disowned(): void {
    this.ownerless++
    this.#ownedUs = null
  }

  owned(now: Micros): void {
    if (--this.ownerless === 0) this.#ownedUs = now - this.atUs
  }

  /** The engine has been told something. */
  heard(now: Micros, engine: EngineHost): void {
    const least = this.#waiting.get(engine)
    const { lease } = engine.machine
    if (!least || !lease.document?.member) return
    if (lease.epoch < least.epoch || engine.incarnation < least.incarnation) return
    this.#waiting.delete(engine)
    if (this.#waiting.size === 0) this.#budgetsUs = now - this.atUs
  }

  get settled(): boolean {
    return this.#waiting.size === 0
  }

  times(): Pick<FaultRecordSummary, 'ownedUs' | 'budgetsUs'> {
    return { ownedUs: this.#ownedUs, budgetsUs: this.#budgetsUs }
  }
}

/** What faults do to a run: how long until all was as before, and to how many requests it mattered. */
export class FaultBook {
  readonly #records: FaultRecord[] = []
  /** Those after which an engine is still without a budget. */
  #open: FaultRecord[] = []
  /** Requests by bucket: good ones by their end, all and good ones by their arrival. */
  readonly #good: number[] = []
  readonly #arrived: number[] = []
  readonly #arrivedGood: number[] = []
  #underWay = 0

  begin(now: Micros, fault: { readonly kind: FaultKind; readonly target: string }): FaultRecord {
    const record = new FaultRecord({ ...fault, atUs: now, underWay: this.#underWay })
    this.#records.push(record)
    this.#open.push(record)
    return record
  }

  arrived(now: Micros): void {
    this.#underWay++
    add(this.#arrived, now)
  }

  /** A request has come to its end. `good`: within its SLOs. */
  ended(now: Micros, arrivalUs: Micros, good: boolean): void {
    this.#underWay--
    if (!good) return
    add(this.#good, now)
    add(this.#arrivedGood, arrivalUs)
    for (let i = this.#records.length - 1; i >= 0 && this.#records[i].atUs > arrivalUs; i--)
      this.#records[i].survived++
  }

  /** An engine has been told something by its owner. */
  heard(now: Micros, engine: EngineHost): void {
    if (this.#open.length === 0) return
    for (const record of this.#open) record.heard(now, engine)
    this.#open = this.#open.filter(({ settled }) => !settled)
  }

  summary(nowUs: Micros): FaultSummary {
    const list = this.#records.map((record) => this.#summaryOf(record, nowUs))
    const deficits = list.flatMap(({ deficit }) => (deficit === null ? [] : [deficit]))
    return {
      injected: list.length,
      retried: total(list.map(({ retried }) => retried)),
      lost: total(list.map(({ lost }) => lost)),
      missed: total(list.map(({ missed }) => missed)),
      ownedUs: spreadOf(list.map(({ ownedUs }) => ownedUs)),
      budgetsUs: spreadOf(list.map(({ budgetsUs }) => budgetsUs)),
      goodputUs: spreadOf(list.map(({ goodputUs }) => goodputUs)),
      deficit: deficits.length === 0 ? null : total(deficits) / deficits.length,
      list,
    }
  }

  #summaryOf(record: FaultRecord, nowUs: Micros): FaultRecordSummary {
    const { kind, target, atUs, retried, lost } = record
    const { backUs, deficit } = goodputDip(this.#good, atUs, nowUs)
    const missed = record.underWay - record.survived + this.#missedBetween(atUs, atUs + (backUs ?? nowUs))
    return { kind, target, atUs, ...record.times(), goodputUs: backUs, deficit, retried, lost, missed }
  }

  #missedBetween(fromUs: Micros, toUs: Micros): number {
    let missed = 0
    const end = Math.min(this.#arrived.length, Math.floor(toUs / BUCKET_US))
    for (let bucket = Math.ceil(fromUs / BUCKET_US); bucket < end; bucket++)
      missed += (this.#arrived[bucket] ?? 0) - (this.#arrivedGood[bucket] ?? 0)
    return missed
  }
}

function add(buckets: number[], atUs: Micros): void {
  const bucket = Math.floor(atUs / BUCKET_US)
  while (buckets.length <= bucket) buckets.push(0)
  buckets[bucket]++
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function spreadOf(values: readonly (number | null)[]): FaultSummary['ownedUs'] {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return { count: 0, mean: null, max: null }
  return { count: known.length, mean: total(known) / known.length, max: Math.max(...known) }
}
