import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseScenario, type Scenario } from '@kvasir/contracts'
import { type ClusterPlan, planCluster } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { readDocument } from '../input/read-document.js'

/** From src/live and from dist/live alike. */
const shippedFolder = fileURLToPath(new URL('../../../../infra/clusters/', import.meta.url))
const DEFAULT_CLUSTER = 'three-models'

/** A cluster as its file describes it. */
export interface ClusterFile {
  readonly path: string
  /** Its `workload` is what the demo plays. */
  readonly scenario: Scenario
  readonly plan: ClusterPlan
}

/**
 * A cluster file: the cluster part of the scenario format. Also the name of a shipped one.
 * @throws {BadInput} naming the file, the field, its value and what would be right.
 */
export function readClusterFile(name: string = DEFAULT_CLUSTER): ClusterFile {
  const path = clusterPath(name)
  const problems = (list: readonly string[]) => new BadInput(list.map((problem) => `${path}: ${problem}`))
  const parsed = parseScenario(withWorkload(path, readDocument(path)))
  if (parsed.kind === 'refused') throw problems(parsed.problems)
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw problems(planned.problems)
  const { plan } = planned.value
  if ((parsed.value.hardware?.profiles ?? []).length > 0)
    throw problems(['hardware.profiles is not empty; it must be left out: only the simulator reads profiles'])
  if (plan.pools.some(({ sharing }) => sharing === 'spatial')) {
    throw problems([
      'cluster.sharing is "spatial"; it must be left out or "time": only the simulator runs steps side by side',
    ])
  }
  return { path, scenario: parsed.value, plan }
}

function clusterPath(name: string): string {
  if (existsSync(name)) return name
  const shipped = join(shippedFolder, `${name}.yaml`)
  if (existsSync(shipped)) return shipped
  throw new BadInput(
    `-f ${name}: no such file; it must be a cluster file, such as ${join(dirname(shipped), DEFAULT_CLUSTER)}.yaml`,
  )
}

/** A cluster need not say who will ask it. Its name is that of the file unless it has one. */
function withWorkload(path: string, document: unknown): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document
  const models = Reflect.get(document, 'models')
  const [first] = Array.isArray(models) ? models : []
  const model = typeof first === 'object' && first !== null ? Reflect.get(first, 'name') : undefined
  const nobody = {
    generators: [
      {
        model,
        arrivals: { kind: 'poisson', ratePerS: 1 },
        lengths: { prompt: { kind: 'fixed', tokens: 200 }, output: { kind: 'fixed', tokens: 50 } },
      },
    ],
  }
  return { name: basename(path, extname(path)), workload: nobody, durationS: 30, ...document }
}
