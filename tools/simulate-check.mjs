/**
 * Runs the built command on every real trace and checks what it promises: each request accounted for, prefix hits where the trace
 * has shared prefixes, and the same bytes for the same seed. Takes minutes; `npm test` has the small version of it.
 *
 *   node tools/simulate-check.mjs [--requests N]
 *
 * The traces are looked for in `../shared/data/traces`, or below KVASIR_SHARED.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const shared = process.env.KVASIR_SHARED ?? join(root, '../shared')
const launcher = join(root, 'apps/cli/bin/kvasir.js')
const limit = process.argv.slice(2)
const scratch = mkdtempSync(join(tmpdir(), 'kvasir-check-'))

const traces = [
  { file: 'azure_llm_2023_conv.csv.gz', requests: 19_366 },
  { file: 'azure_llm_2023_code.csv.gz', requests: 8_819 },
  { file: 'mooncake_conversation.jsonl.gz', requests: 12_031, prefixHits: true },
  { file: 'lmsys_arena_27models.csv.gz', requests: 1_500 },
  { file: 'servegen_4models_2h_derived.csv.gz', requests: 379_456 },
]

let failures = 0
try {
  for (const trace of traces) checkTrace(trace)
  checkSameBytes()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
process.exit(failures === 0 ? 0 : 1)

function checkTrace({ file, requests, prefixHits }) {
  const path = join(shared, 'data/traces', file)
  if (!existsSync(path)) return fail(file, 'is not there')
  const started = performance.now()
  const summary = simulate(['--trace', path, '--json', '--no-trace', '--out', join(scratch, file), ...limit])
  if (summary === undefined) return fail(file, 'the command failed')
  const { submitted, finished, rejected, unfinished, rejectedBy } = summary.requests
  const wanted = limit.length > 0 ? Math.min(Number(limit.at(-1)), requests) : requests
  if (submitted !== wanted) fail(file, `${submitted} requests submitted, ${wanted} are in the trace`)
  if (submitted !== finished + rejected + unfinished)
    fail(file, `${submitted} is not ${finished} + ${rejected} + ${unfinished}`)
  if (unfinished !== 0) fail(file, `${unfinished} requests did not end`)
  if (prefixHits && summary.tokens.prefixHit === 0) fail(file, 'no prefix was found again')
  const models = Object.values(summary.models).reduce((sum, model) => sum + model.requests.submitted, 0)
  if (models !== submitted) fail(file, `its models got ${models} requests, the run ${submitted}`)
  const seconds = (performance.now() - started) / 1000
  const rejections = Object.keys(rejectedBy).length > 0 ? ` ${JSON.stringify(rejectedBy)}` : ''
  console.log(
    `${file}: ${finished} finished, ${rejected} rejected${rejections}; ${(summary.wallMs / 1000).toFixed(1)} s (${seconds.toFixed(1)} s in all), ` +
      `${Math.round(submitted / (summary.wallMs / 1000))} requests/s, ${Math.round(summary.events / (summary.wallMs / 1000))} events/s, ` +
      `${summary.tokens.prefixHit} tokens of prefix hits`,
  )
}

/** Same seed twice: equal but for `wallMs`; another seed: not. */
function checkSameBytes() {
  const run = (name, seed) => {
    const out = join(scratch, name)
    simulate([
      'three-models',
      '--policy',
      'weighted-max-min',
      '--seed',
      String(seed),
      '--duration',
      '30',
      '--json',
      '--out',
      out,
    ])
    const summary = readFileSync(join(out, 'summary.json'), 'utf8').replace(/"wallMs": \d+/, '')
    return { trace: readFileSync(join(out, 'trace.jsonl'), 'utf8'), summary }
  }
  const [first, again, other] = [run('a', 1), run('b', 1), run('c', 2)]
  if (first.trace !== again.trace || first.summary !== again.summary)
    fail('three-models', 'the same seed gave other bytes')
  if (first.trace === other.trace) fail('three-models', 'another seed gave the same trace')
  console.log(`three-models: ${first.trace.length} bytes of trace, equal for equal seeds`)
}

function simulate(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, 'simulate', ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status === 0) return JSON.parse(stdout)
  console.error(stderr)
  return undefined
}

function fail(what, why) {
  failures++
  console.error(`FAILED ${what}: ${why}`)
}
