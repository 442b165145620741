/**
 * End-to-end time of the large recorded cases (request construction, hashing, scheduling, fake model; nothing written down), against
 * `bench.json` beside them. `node libs/scheduler/bench/golden.mjs FOLDER` with the folder of the recorded cases.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { driveCase } from '../dist/index.js'

const names = [
  'l_realistic_lognormal',
  'l_realistic_chat_caching',
  'l_priority_pressure',
  'l_burst_2000',
  'l_fuzz_large',
  'l_small_blocks_eviction',
]

/** Best of `repeats`, in milliseconds. */
export function measureCase(golden, repeats = 5) {
  let best = Infinity
  for (let i = 0; i < repeats; i++) {
    const start = process.hrtime.bigint()
    driveCase(golden)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6)
  }
  return best
}

if (process.argv[1]?.endsWith('golden.mjs')) {
  const folder = process.argv[2]
  if (folder === undefined) throw new Error('name the folder of the recorded cases')
  const recorded = JSON.parse(readFileSync(`${folder}/bench.json`, 'utf8'))
  const rows = Object.values(recorded).filter(Array.isArray).flat()
  for (const name of names) {
    const golden = JSON.parse(gunzipSync(readFileSync(`${folder}/${name}.json.gz`)).toString('utf8'))
    const ms = measureCase(golden)
    const row = rows.find((candidate) => candidate.case === name || candidate.name === name)
    const seconds = row?.scheduler_s
    const factor =
      seconds === undefined
        ? ''
        : `, recorded ${(seconds * 1000).toFixed(0)} ms: ${((seconds * 1000) / ms).toFixed(0)} x faster`
    console.log(`${name}: ${ms.toFixed(1)} ms${factor}`)
  }
}
