import { Simulation } from './dist/simulation.js'
import { poolSettingsSchema } from '@kvasir/contracts'
import { knownModel, kvGeometry, pagesPerBundleFor } from '@kvasir/hardware'
import { defaultSchedulerConfig } from '@kvasir/scheduler'
import { parseTrace, limit, streamOf, clipLength, mapStream } from '@kvasir/workload'
import { gunzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
const src = readFileSync('apps/cli/src/bench/simulation-bench.ts','utf8')
const MODEL='Llama-3.1-70B', TP=4, BLOCK_SIZE=16, BLOCKS=32768, SEQUENCES=128, STEP_TOKENS=512, CONTEXT=4096
const benchPlan = new Function('knownModel','pagesPerBundleFor','kvGeometry','poolSettingsSchema','defaultSchedulerConfig','MODEL','TP','BLOCK_SIZE','BLOCKS','SEQUENCES','STEP_TOKENS','CONTEXT','engines', src.slice(src.indexOf('  const model = knownModel(MODEL)'), src.indexOf('/** The trace repeated')).trim().replace(/}\s*$/,'')).bind(null, knownModel, pagesPerBundleFor, kvGeometry, poolSettingsSchema, defaultSchedulerConfig, MODEL,TP,BLOCK_SIZE,BLOCKS,SEQUENCES,STEP_TOKENS,CONTEXT)
const text = gunzipSync(readFileSync('../shared/data/traces/azure_llm_2023_conv.csv.gz')).toString()
const records = parseTrace(text).rows
for (let k = 0; k < 8; k++) {
  const t = performance.now()
  const sim = new Simulation(benchPlan(1), { requests: clipLength(mapStream(limit(streamOf(records), 10000), (r) => ({ ...r, model: MODEL })), { maxTotalTokens: 4096 }) })
  while (!sim.run(100000));
  const { summary } = sim.result()
  console.log((performance.now() - t).toFixed(0), 'ms', sim.events, summary.requests.finished, summary.rounds)
}
