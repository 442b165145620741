/**
 * Steady decode: nanoseconds per sequence and step of `plan` + `complete`, as recorded for vLLM in `golden/vllm/bench.json`
 * (block size 16, prompts of 100..131 tokens so that block boundaries are spread, no preemption). Run on the build:
 * `node libs/scheduler/bench/decode.mjs [batch ...]`.
 */
import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { defaultSchedulerConfig, Scheduler } from '../dist/index.js'

const blockSize = 16

/** Best of `repeats` of the mean over `steps`, in nanoseconds per step. */
export function measureDecode({ batch, prefixCaching, steps = 600, repeats = 7 }) {
  const means = []
  for (let repeat = 0; repeat < repeats; repeat++) means.push(oneRun(batch, prefixCaching, steps))
  means.sort((a, b) => a - b)
  return means[0]
}

function oneRun(batch, prefixCaching, steps) {
  const warmup = 200
  const blocks = batch * Math.ceil((140 + warmup + steps) / blockSize + 1)
  const pool = new BlockPool({
    blockSize,
    blocksPerBundle: 1,
    bundleCapacity: blocks + 1,
    placement: 'queue-order',
    prefixCaching,
  })
  pool.mapBundles(Array.from({ length: blocks }, (_, i) => i + 1))
  const config = {
    ...defaultSchedulerConfig,
    prefixCaching,
    stepTokenLimit: Math.max(8192, 132 * batch),
    sequenceLimit: batch,
    contextLimit: 131_072,
  }
  const scheduler = new Scheduler(config, pool)
  for (let i = 0; i < batch; i++) {
    scheduler.submit(0, {
      id: `r${i}`,
      promptTokens: 100 + (i % 32),
      maxOutputTokens: warmup + steps + 8,
      priority: 0,
      arrivalUs: i,
      content: new SyntheticContent({ uniqueSeed: i }),
    })
  }
  for (let step = 0; step < warmup; step++) scheduler.complete(step, scheduler.plan(step, Infinity))
  const start = process.hrtime.bigint()
  for (let step = 0; step < steps; step++) scheduler.complete(step, scheduler.plan(step, Infinity))
  return Number(process.hrtime.bigint() - start) / steps
}

if (process.argv[1]?.endsWith('decode.mjs')) {
  const batches = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 32, 256, 1024, 4096]
  for (const prefixCaching of [false, true]) {
    for (const batch of batches) {
      const ns = measureDecode({
        batch,
        prefixCaching,
        steps: batch >= 1024 ? 300 : batch === 1 ? 20_000 : 2_000,
      })
      console.log(
        `batch ${batch} prefix caching ${prefixCaching}: ${(ns / 1000).toFixed(3)} us/step, ${(ns / batch).toFixed(1)} ns/sequence`,
      )
    }
  }
}
