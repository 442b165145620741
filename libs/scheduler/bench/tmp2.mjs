import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { defaultSchedulerConfig, Scheduler } from '@kvasir/scheduler'
const bs = +process.env.BS,
  batch = +process.argv[2],
  caching = process.argv[3] === '1'
const blocks = batch * Math.ceil(8000 / bs + 1)
const pool = new BlockPool({
  blockSize: bs,
  blocksPerBundle: 1,
  bundleCapacity: blocks + 1,
  placement: 'queue-order',
  prefixCaching: caching,
})
pool.mapBundles(Array.from({ length: blocks }, (_, i) => i + 1))
const s = new Scheduler(
  { ...defaultSchedulerConfig, prefixCaching: caching, stepTokenLimit: 1e6, sequenceLimit: batch },
  pool,
)
for (let i = 0; i < batch; i++)
  s.submit(0, {
    id: 'r' + i,
    promptTokens: 100 + (i % 32),
    maxOutputTokens: 7800,
    priority: 0,
    arrivalUs: i,
    content: new SyntheticContent({ uniqueSeed: i }),
  })
const h = process.hrtime.bigint
let bp = 1e9,
  bc = 1e9,
  bt = 1e9
for (let rep = 0; rep < 60; rep++) {
  let tp = 0n,
    tc = 0n
  const N = 100
  for (let k = 0; k < N; k++) {
    const a = h()
    const p = s.plan(0, Infinity)
    const b = h()
    s.complete(0, p)
    const c = h()
    tp += b - a
    tc += c - b
  }
  bp = Math.min(bp, Number(tp) / N / batch)
  bc = Math.min(bc, Number(tc) / N / batch)
  bt = Math.min(bt, Number(tp + tc) / N / batch)
}
console.log(
  `bs ${bs} batch ${batch} caching ${caching}: plan ${bp.toFixed(1)} complete ${bc.toFixed(1)} total ${bt.toFixed(1)} ns/seq`,
)
