import { SeededRng } from '@kvasir/kernel'
import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { defaultSchedulerConfig } from '../config.js'
import { Scheduler } from '../scheduler.js'

export interface BusyEngine {
  readonly rng: SeededRng
  readonly pool: BlockPool
  readonly scheduler: Scheduler
  submit(): void
  /** Keeps the engine busy for so many steps. */
  run(steps: number): void
}

/** A random engine in the middle of its work: sequences of `priorities` priorities spread over bundles, some sharing a prefix. */
export function busyEngine(seed: number, sequences: number, priorities = 3): BusyEngine {
  const rng = new SeededRng(seed, 'release')
  const blocksPerBundle = 1 + rng.int(6)
  const bundles = 40 + rng.int(40)
  const placement = rng.int(2) === 0 ? 'queue-order' : 'fullest-bundle'
  const pool = new BlockPool({
    blockSize: 4,
    blocksPerBundle,
    bundleCapacity: bundles,
    placement,
    prefixCaching: true,
  })
  pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
  const scheduler = new Scheduler({ ...defaultSchedulerConfig, contextLimit: 200 }, pool)
  let submitted = 0
  const submit = () => {
    scheduler.submit(0, {
      id: `s${submitted}`,
      promptTokens: 1 + rng.int(40),
      maxOutputTokens: 5 + rng.int(60),
      priority: rng.int(priorities),
      arrivalUs: submitted,
      content: new SyntheticContent({
        uniqueSeed: submitted++,
        prefixBlocks: [rng.int(3), 10 + rng.int(3)],
        prefixBlockTokens: 8,
      }),
    })
  }
  const run = (steps: number) => {
    for (let i = 0; i < steps; i++) {
      while (scheduler.unfinishedCount < sequences) submit()
      const plan = scheduler.plan(i, Infinity)
      if (plan.count > 0) scheduler.complete(i, plan)
    }
  }
  run(40)
  scheduler.audit()
  return { rng, pool, scheduler, submit, run }
}
