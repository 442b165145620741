import { clusterPreset } from '@kvasir/hardware'
import {
  MAX_PUBLISHED_STEPS,
  type TaskEstimateName,
  taskEstimateNames,
  taskPolicyByName,
  type TaskPolicyName,
  taskPolicyNames,
} from '@kvasir/simulation'
import { BadInput } from '../../bad-input.js'
import { distinct, oneOf, positiveNumber, type RawSimulateOptions } from '../flags.js'

/** `kvasir simulate --workload …`: tasks that queue for a whole cluster, instead of a scenario. Checked. */
export interface TaskQueueFlags {
  /** Names or files. */
  readonly workloads: readonly string[]
  readonly policies: readonly TaskPolicyName[]
  readonly clusters: readonly TaskCluster[]
  readonly estimate: TaskEstimateName
  readonly mode: TaskQueueMode
  /** File for the results. */
  readonly output: string | undefined
  readonly json: boolean
  readonly notes: readonly string[]
}

/** Exact event times, or the steps and the mistakes of the simulator that the workloads come from. */
export type TaskQueueMode =
  | { readonly kind: 'exact'; readonly maxTimeS: number | undefined }
  | { readonly kind: 'published'; readonly dtS: number; readonly maxTimeS: number }

export interface TaskCluster {
  readonly name: string
  readonly gpus: number
}

export interface RawTaskQueueOptions extends RawSimulateOptions {
  readonly workload?: string
  readonly algorithms?: string
  readonly dt?: string
  readonly maxTime?: string
  readonly output?: string
  readonly compat?: string
  readonly estimate?: string
}

/** Without names: what the reference compared, and its cluster and limits (prior-systems.md §3.1: S2, S9). */
const DEFAULT_POLICIES = taskPolicyNames.filter((name) => name !== 'StrictWeightedFIFO')
const DEFAULT_CLUSTER = 'h100_16gpu'
const PUBLISHED_DT_S = 0.01
const PUBLISHED_MAX_TIME_S = 5

const ownOptions = [
  ['algorithms', '--algorithms'],
  ['dt', '--dt'],
  ['maxTime', '--max-time'],
  ['output', '--output'],
  ['compat', '--compat'],
  ['estimate', '--estimate'],
] as const

const scenarioOptions = [
  ['trace', '--trace'],
  ['traceFormat', '--trace-format'],
  ['modelMap', '--model-map'],
  ['skipBadLines', '--skip-bad-lines'],
  ['policy', '--policy'],
  ['order', '--order'],
  ['victim', '--victim'],
  ['preemption', '--preemption'],
  ['dispatch', '--dispatch'],
  ['seed', '--seed'],
  ['requests', '--requests'],
  ['duration', '--duration'],
  ['out', '--out'],
  ['traceDetail', '--trace-detail'],
  ['traceCompat', '--trace-compat'],
] as const

/**
 * @returns undefined when a scenario is asked for.
 * @throws {BadInput} naming the option, its value and what would be right.
 */
export function taskQueueFlags(
  scenario: string | undefined,
  raw: RawTaskQueueOptions,
): TaskQueueFlags | undefined {
  if (raw.workload === undefined) {
    const stray = ownOptions.flatMap(([key, option]) => given(option, raw[key]))
    if (stray.length > 0)
      throw new BadInput(stray.map((what) => `${what}; it must come with --workload NAME`))
    return undefined
  }
  refuseScenario(scenario, raw)
  const mode = modeOf(raw)
  const estimate = oneOf('--estimate', raw.estimate ?? 'flops', taskEstimateNames)
  if (mode.kind === 'published' && estimate !== 'flops') {
    throw new BadInput(`--estimate is ${estimate}; with --compat published it must be flops`)
  }
  return {
    workloads: listed('--workload', raw.workload),
    policies:
      distinct(
        raw.algorithms === undefined ? undefined : listed('--algorithms', raw.algorithms).map(policy),
      ) ?? DEFAULT_POLICIES,
    clusters: taskClusters(raw.cluster ?? DEFAULT_CLUSTER),
    estimate,
    mode,
    output: raw.output,
    json: raw.json ?? false,
    notes:
      mode.kind === 'exact' && raw.dt !== undefined
        ? ['--dt changes nothing without --compat published: tasks start and end at their exact times']
        : [],
  }
}

function refuseScenario(scenario: string | undefined, raw: RawTaskQueueOptions): void {
  const stray = [
    ...given('SCENARIO', scenario),
    ...scenarioOptions.flatMap(([key, option]) => given(option, raw[key])),
    ...(raw.traceFile === false ? ['--no-trace is set'] : []),
  ]
  if (stray.length === 0) return
  throw new BadInput(stray.map((what) => `${what}; beside --workload it must be left out`))
}

function given(option: string, value: string | boolean | undefined): readonly string[] {
  if (value === undefined) return []
  return [value === true ? `${option} is set` : `${option} is ${String(value)}`]
}

function modeOf({ compat, dt, maxTime }: RawTaskQueueOptions): TaskQueueMode {
  const dtS = dt === undefined ? undefined : positiveNumber('--dt', dt)
  const maxTimeS = maxTime === undefined ? undefined : positiveNumber('--max-time', maxTime)
  if (compat === undefined) return { kind: 'exact', maxTimeS }
  oneOf('--compat', compat, ['published'])
  const mode = {
    kind: 'published' as const,
    dtS: dtS ?? PUBLISHED_DT_S,
    maxTimeS: maxTimeS ?? PUBLISHED_MAX_TIME_S,
  }
  if (mode.maxTimeS / mode.dtS > MAX_PUBLISHED_STEPS) {
    throw new BadInput(
      `--dt is ${mode.dtS}; ${mode.maxTimeS} s must be at most ${MAX_PUBLISHED_STEPS} such steps`,
    )
  }
  return mode
}

function listed(option: string, text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) {
    throw new BadInput(`${option} is "${text}"; it must be one name, or several with commas between them`)
  }
  return [...new Set(names)]
}

function policy(text: string): TaskPolicyName {
  const name = taskPolicyByName(text)
  if (name === undefined) {
    throw new BadInput(`--algorithms has "${text}"; it must be one of ${taskPolicyNames.join(', ')}`)
  }
  return name
}

/** By name, so that two spellings of one cluster run once. */
function taskClusters(text: string): readonly TaskCluster[] {
  const clusters = listed('--cluster', text).map(taskCluster)
  return [...new Map(clusters.map((cluster) => [cluster.name, cluster])).values()]
}

/** `h100_8` is short for `h100_8gpu`. */
function taskCluster(text: string): TaskCluster {
  const name = text.toLowerCase().replace(/_(\d+)$/, '_$1gpu')
  const lookup = clusterPreset(name)
  if (lookup.kind === 'found') {
    return { name, gpus: lookup.cluster.nodes.reduce((sum, node) => sum + node.gpus.length, 0) }
  }
  const known =
    lookup.kind === 'unknown_cluster'
      ? `one of ${lookup.known.join(', ')}`
      : `of a known GPU, such as ${lookup.near.join(', ')}`
  throw new BadInput(`--cluster is "${text}"; it must be ${known}`)
}
