import type { Micros, Tokens } from '@kvasir/kernel'
import { type ColumnSpec, type SeriesTable, StepSeries } from '@kvasir/metrics'
import type { ModelColumns, PoolColumns } from './result.js'

const MODEL_COLUMNS: readonly ColumnSpec[] = [
  { name: 'budgetTokens', kind: 'level' },
  { name: 'servedTokensPerS', kind: 'flow' },
  { name: 'leaseBundles', kind: 'level' },
  { name: 'inUseBundles', kind: 'level' },
  { name: 'waiting', kind: 'level' },
  { name: 'running', kind: 'level' },
]
const POOL_COLUMNS: readonly ColumnSpec[] = [
  { name: 'busyUsPerS', kind: 'flow' },
  { name: 'inUseBundles', kind: 'level' },
]
/** Where the flows stand among them. */
const SERVED = 1
const BUSY = 0

/** Levels of one model at one instant, in the order of its columns without the flow. */
export interface ModelLevels {
  budgetTokens: number
  leaseBundles: number
  inUseBundles: number
  waiting: number
  running: number
}

/** The run over time, in fixed memory however long it is. */
export class Timeline {
  readonly modelColumns: readonly ModelColumns[]
  readonly poolColumns: readonly PoolColumns[]
  readonly #series: StepSeries
  readonly #firstOfPools: number

  constructor(models: readonly string[], pools: readonly string[]) {
    const prefixed = (prefix: string, specs: readonly ColumnSpec[]) =>
      specs.map((spec) => ({ ...spec, name: `${prefix}.${spec.name}` }))
    this.#series = new StepSeries([
      ...models.flatMap((model) => prefixed(model, MODEL_COLUMNS)),
      ...pools.flatMap((pool) => prefixed(pool, POOL_COLUMNS)),
    ])
    this.modelColumns = models.map((model, i) => {
      const first = i * MODEL_COLUMNS.length
      return {
        model,
        budgetTokens: first,
        servedTokensPerS: first + SERVED,
        leaseBundles: first + 2,
        inUseBundles: first + 3,
        waiting: first + 4,
        running: first + 5,
      }
    })
    this.#firstOfPools = models.length * MODEL_COLUMNS.length
    this.poolColumns = pools.map((pool, i) => {
      const first = this.#firstOfPools + i * POOL_COLUMNS.length
      return { pool, busyUsPerS: first + BUSY, inUseBundles: first + 1 }
    })
  }

  /** A step of `model` computed `tokens`. Hot path, as is {@link worked}: hence no object for the numbers. */
  served(now: Micros, model: number, tokens: Tokens): void {
    this.#series.flow(model * MODEL_COLUMNS.length + SERVED, now, tokens)
  }

  /** A step that took so much of `pool` ended. */
  worked(now: Micros, pool: number, busyUs: Micros): void {
    this.#series.flow(this.#firstOfPools + pool * POOL_COLUMNS.length + BUSY, now, busyUs)
  }

  setModel(now: Micros, model: number, levels: ModelLevels): void {
    const columns = this.modelColumns[model]
    this.#series.set(columns.budgetTokens, now, levels.budgetTokens)
    this.#series.set(columns.leaseBundles, now, levels.leaseBundles)
    this.#series.set(columns.inUseBundles, now, levels.inUseBundles)
    this.#series.set(columns.waiting, now, levels.waiting)
    this.#series.set(columns.running, now, levels.running)
  }

  setPool(now: Micros, pool: number, inUseBundles: number): void {
    this.#series.set(this.poolColumns[pool].inUseBundles, now, inUseBundles)
  }

  table(now: Micros): SeriesTable {
    return this.#series.table(now)
  }
}
