import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest, ManifestSession, Scenario } from '@kvasir/contracts'
import { fileDigest } from './file-digest.js'

const repository = fileURLToPath(new URL('../../../../', import.meta.url))

/** The code and the machine that a session of an experiment runs on. */
export function beginSession(workers: number): ManifestSession {
  const [cpu] = cpus()
  return {
    startedAt: new Date().toISOString(),
    endedAt: null,
    ...codeVersion(),
    node: process.version,
    workers,
    host: {
      cores: availableParallelism(),
      cpu: cpu?.model ?? 'unknown',
      memoryBytes: totalmem(),
      platform: `${process.platform}-${process.arch}`,
    },
  }
}

/** The code that runs here, as the checkout and the package say. */
export function codeVersion(): Pick<ManifestSession, 'commit' | 'dirty' | 'version'> {
  return {
    commit: git('rev-parse', 'HEAD') || 'unknown',
    dirty: git('status', '--porcelain') !== '',
    version: packageVersion(),
  }
}

/** Empty when there is no git, or no checkout. */
function git(...args: readonly string[]): string {
  const { status, stdout } = spawnSync('git', ['-C', repository, ...args], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

function packageVersion(): string {
  const { version } = Object(JSON.parse(readFileSync(resolve(repository, 'package.json'), 'utf8')))
  return String(version)
}

/** Digests of what the scenarios read, so that a reader can tell whether it was the same data. */
export function inputFiles(scenarios: readonly Scenario[], folder: string): Manifest['inputs'] {
  const files = new Set(scenarios.flatMap(scenarioFiles))
  return [...files].sort().map((file) => ({ file, sha256: fileDigest(resolve(folder, file)) }))
}

/** Files that a run of the scenario reads, as the scenario names them. */
export function scenarioFiles({ workload, hardware }: Scenario): string[] {
  return [
    ...(hardware?.profiles ?? []),
    ...workload.traces.map(({ file }) => file),
    ...workload.generators.flatMap(({ arrivals, lengths }) => [
      ...(arrivals.kind === 'replay' ? [arrivals.file] : []),
      ...[lengths.prompt, lengths.output].flatMap((law) => (law.kind === 'file' ? [law.file] : [])),
    ]),
  ]
}
