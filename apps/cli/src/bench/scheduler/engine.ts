import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { defaultSchedulerConfig, Scheduler, type SchedulerConfig } from '@kvasir/scheduler'

export interface BenchEngineOptions {
  readonly blockSize: number
  readonly blocks: number
  readonly blocksPerBundle?: number
  readonly config: Partial<SchedulerConfig>
}

export interface BenchEngine {
  readonly pool: BlockPool
  readonly scheduler: Scheduler
  /** A sequence that arrived as the `n`-th. */
  submit(n: number, promptTokens: number, maxOutputTokens: number): void
  /** Plans and completes so many steps; nobody ends but by length. */
  run(steps: number): void
}

/** One engine with a pool to itself, as it is by default: fcfs, `queue-order`, all bundles mapped. */
export function benchEngine(options: BenchEngineOptions): BenchEngine {
  const { blockSize, blocks, blocksPerBundle = 1 } = options
  const config = { ...defaultSchedulerConfig, contextLimit: 2 ** 30, ...options.config }
  const bundles = Math.ceil(blocks / blocksPerBundle)
  const pool = new BlockPool({
    blockSize,
    blocksPerBundle,
    bundleCapacity: bundles,
    placement: blocksPerBundle === 1 ? 'queue-order' : 'fullest-bundle',
    prefixCaching: config.prefixCaching,
  })
  pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
  const scheduler = new Scheduler(config, pool)
  return {
    pool,
    scheduler,
    submit(n, promptTokens, maxOutputTokens) {
      const content = new SyntheticContent({ uniqueSeed: n })
      scheduler.submit(0, {
        id: `r${n}`,
        promptTokens,
        maxOutputTokens,
        priority: 0,
        arrivalUs: n,
        content,
      })
    },
    run(steps) {
      for (let step = 0; step < steps; step++) scheduler.complete(step, scheduler.plan(step, Infinity))
    },
  }
}
