import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * Proves that the lint rules bite: a copy of the workspace without sources gets one probe file per import, and lint must refuse
 * each forbidden one, for the right reason, and no other. The forbidden ones come second, on the project graph of the permitted
 * ones: in a graph that held them all, every import would be refused as part of a cycle.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const layers = 'nx(enforce-module-boundaries)'
const purity = 'kvasir(pure)'

interface Diagnostic {
  readonly filename: string
  readonly code: string
  readonly message: string
}

interface Probe {
  readonly says: string
  readonly file: string
  readonly code: string
  readonly refusedBy?: string
}

const probes: readonly Probe[] = [
  imports('kernel', 'scheduler', layers),
  imports('contracts', 'hardware', layers),
  imports('hardware', 'kv-cache', layers),
  imports('scheduler', 'allocation', layers),
  imports('allocation', 'reclaim', layers),
  imports('reclaim', 'hardware', layers),
  imports('dispatch', 'metrics', layers),
  imports('allocation', 'device-core', layers),
  imports('engine-core', 'coordinator-core', layers),
  imports('engine-core', 'allocation', layers),
  imports('device-core', 'engine-core', layers),
  imports('coordinator-core', 'scheduler', layers),
  imports('device-core', 'simulation', layers),
  imports('simulation', 'event-log', layers),
  imports('event-log', 'simulation', layers),
  imports('report', 'event-log', layers),
  imports('devices', 'engine-core', layers),
  imports('wire', 'hardware', layers),
  imports('experiment', 'simulation', layers),
  imports('results', 'report', layers),
  imports('run-queue', 'redis-store', layers),
  imports('scheduler', 'kv-cache'),
  imports('engine-core', 'scheduler'),
  imports('coordinator-core', 'reclaim'),
  imports('simulation', 'coordinator-core'),
  imports('event-log', 'metrics'),
  imports('devices', 'wire'),
  imports('results', 'experiment'),
  imports('run-queue', 'experiment'),
  imports('report', 'experiment'),
  {
    says: 'a relative import into another library',
    file: 'libs/hardware/src/relative.ts',
    code: `import '../../kernel/src/index.js'`,
    refusedBy: layers,
  },
  {
    says: 'an import of an app',
    file: 'libs/report/src/app.ts',
    code: `import '../../../apps/cli/src/index.js'`,
    refusedBy: layers,
  },
  pure('a Node module', `import 'node:fs'`),
  pure('an npm package', `import 'commander'`),
  pure('zod outside contracts', `import 'zod'`),
  pure('Math.random', 'export const x = Math.random()'),
  pure('Date.now', 'export const x = Date.now()'),
  pure('new Date() without an argument', 'export const x = new Date()'),
  pure('a timer', 'export const x = () => setTimeout(() => {}, 1)'),
  pure('performance', 'export const x = performance.now()'),
  pure('process', 'export const x = process.argv'),
  pure('a promise', 'export const x = Promise.resolve(1)'),
  pure('an async function', 'export const x = async () => 1'),
  {
    says: 'zod in contracts',
    file: 'libs/contracts/src/schema.ts',
    code: `import { z } from 'zod'\nexport const x = z.string()`,
  },
  { says: 'Node in an adapter', file: 'libs/event-log/src/files.ts', code: `import 'node:fs'` },
  { says: 'a clock in an app', file: 'apps/cli/src/clock.ts', code: 'export const x = Date.now()' },
  {
    says: 'Node in the spec of a pure library',
    file: 'libs/scheduler/src/probe.spec.ts',
    code: `import 'node:fs'\nexport const x = Date.now()`,
  },
  {
    says: 'a date made from a number in a pure library',
    file: 'libs/workload/src/date.ts',
    code: 'export const x = new Date(0).getTime() + Date.UTC(2024, 0)',
  },
]

function imports(from: string, to: string, refusedBy?: string): Probe {
  const probe = { says: `${from} importing ${to}`, file: `libs/${from}/src/imports-${to}.ts` }
  const code = `import { x } from '@kvasir/${to}'\nexport const y = x`
  return refusedBy === undefined ? { ...probe, code } : { ...probe, code, refusedBy }
}

function pure(says: string, code: string): Probe {
  const name = says.replaceAll(/\W+/g, '-')
  return { says: `${says} in a pure library`, file: `libs/scheduler/src/${name}.ts`, code, refusedBy: purity }
}

const scratch = mkdtempSync(join(tmpdir(), 'kvasir-lint-'))
let refusalsOfPermitted: Map<string, Set<string>>
let refusals: Map<string, Set<string>>

beforeAll(() => {
  copyWorkspaceWithoutSources()
  writeProbes((probe) => probe.refusedBy === undefined)
  refusalsOfPermitted = run(process.execPath, ['tools/lint/lint.mjs'])
  writeProbes((probe) => probe.refusedBy !== undefined)
  refusals = run('node_modules/.bin/oxlint', [])
}, 120_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test.each(probes.filter((probe) => probe.refusedBy !== undefined))('refuses $says', ({ file, refusedBy }) => {
  expect([...(refusals.get(file) ?? [])]).toEqual([refusedBy])
})

test('accepts everything permitted, with the command that `npm run lint` runs', () => {
  expect(refusalsOfPermitted).toEqual(new Map())
})

test.each(probes.filter((probe) => probe.refusedBy === undefined))('accepts $says', ({ file }) => {
  expect([...(refusals.get(file) ?? [])]).toEqual([])
})

test('every library has a layer that the lint rules know', () => {
  const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8')
  const unknown = projectsOf(root).filter((dir) => {
    const { nx } = JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'))
    const layer = (nx?.tags as string[] | undefined)?.find((tag) => tag.startsWith('layer:'))
    return layer === undefined || !config.includes(`"sourceTag": "${layer}"`)
  })
  expect(unknown).toEqual([])
})

function copyWorkspaceWithoutSources(): void {
  for (const name of [
    'package.json',
    'package-lock.json',
    'nx.json',
    'tsconfig.base.json',
    'tsconfig.pure.json',
    '.oxlintrc.json',
  ])
    copyFileSync(join(root, name), join(scratch, name))
  cpSync(join(root, 'tools/lint'), join(scratch, 'tools/lint'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'))
  for (const dir of projectsOf(root)) copyProject(dir)
}

function projectsOf(workspace: string): string[] {
  return ['apps', 'libs']
    .flatMap((folder) => readdirSync(join(workspace, folder)).map((name) => `${folder}/${name}`))
    .filter((dir) => existsSync(join(workspace, dir, 'package.json')))
}

/** Without its dependencies, so that the graph has only the edges of the probes. */
function copyProject(dir: string): void {
  const { dependencies: _, ...manifest } = JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'))
  write(`${dir}/package.json`, JSON.stringify(manifest))
  write(`${dir}/src/index.ts`, 'export const x = 1\n')
}

function writeProbes(wanted: (probe: Probe) => boolean): void {
  for (const { file, code } of probes.filter(wanted)) write(file, `${code}\n`)
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(scratch, file)), { recursive: true })
  writeFileSync(join(scratch, file), text)
}

/** Lints the copy; returns the rules that refused something, by file. */
function run(command: string, args: readonly string[]): Map<string, Set<string>> {
  // Nx tells child processes where its workspace is; this copy is another one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NX_')))
  const { stdout, stderr } = spawnSync(command, [...args, '--format', 'json', 'libs', 'apps'], {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...env, NX_ISOLATE_PLUGINS: 'false' },
    maxBuffer: 64 * 2 ** 20,
  })
  const start = stdout.indexOf('{')
  if (start < 0) throw new Error(`lint printed no report\n${stdout}${stderr}`)
  const report = JSON.parse(stdout.slice(start)) as { diagnostics: Diagnostic[] }
  const found = new Map<string, Set<string>>()
  for (const { filename, code, message } of report.diagnostics) {
    const rule = message.includes('Circular dependency') ? 'cycle' : code.replace(/^@/, '')
    found.set(filename, (found.get(filename) ?? new Set<string>()).add(rule))
  }
  return found
}
