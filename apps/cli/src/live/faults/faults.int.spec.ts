import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { obtainRedis } from '@kvasir/redis-store'
import { afterAll, describe, expect, it } from 'vitest'
import { faultKinds } from './fault-schedule.js'
import { faultReportText } from './report-text.js'
import { type FaultRunOptions, runFaults } from './run-faults.js'

/** Real processes on a private Redis. `KVASIR_FAULTS_SECONDS=120` asks for the long run as well: 64 engines on 8 pools. */
const longSeconds = Number(process.env['KVASIR_FAULTS_SECONDS'] ?? 0)
const seed = Number(process.env['KVASIR_FAULTS_SEED'] ?? 1)

const apps = ['coordinator', 'engine', 'gateway', 'tp-group']
const built = apps.every((app) =>
  existsSync(fileURLToPath(new URL(`../../../../${app}/dist/main.js`, import.meta.url))),
)
if (!built) console.warn('SKIPPED, nothing is killed: build the apps first (npx tsc --build)')
const redis = await obtainRedis(() => undefined).catch((error: unknown) => {
  console.warn(`SKIPPED, nothing is killed: ${String(error)}`)
  return undefined
})

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

async function run(options: Omit<FaultRunOptions, 'folder' | 'say' | 'seed'>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvasir-faults-'))
  folders.push(folder)
  const report = await runFaults({ ...options, seed, folder, say: () => undefined })
  const text = faultReportText(report)
  expect(
    report.checks.filter(({ violations }) => violations.length > 0),
    `seed ${seed}\n${text}`,
  ).toEqual([])
  expect(new Set(report.struck.map(({ kind }) => kind)), text).toEqual(new Set(faultKinds))
  // A run in which little happened shows little.
  expect(report.numbers.finished, text).toBeGreaterThan(10)
  expect(report.numbers.decisions, text).toBeGreaterThan(50)
}

const size = { coordinators: 2, enginesPerProcess: 2, speedUp: 1, clients: 8 }

describe.skipIf(!built || redis === undefined)('a cluster of which every part is killed under load', () => {
  it('keeps the laws, with 8 engines on 2 groups', { timeout: 600_000 }, () =>
    run({ ...size, pools: 2, models: 4, seconds: 25 }),
  )

  it.runIf(longSeconds > 0)('keeps them with 64 engines on 8 groups', { timeout: 1_200_000 }, () =>
    run({
      pools: 8,
      models: 8,
      coordinators: 3,
      enginesPerProcess: 8,
      speedUp: 0.5,
      clients: 32,
      seconds: longSeconds,
    }),
  )
})
