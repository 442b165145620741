import type { ScenarioInput } from '@kvasir/contracts'
import { lookUpModel, type ModelMap } from '@kvasir/workload'
import { planned, type Planning, refused } from './planning.js'

/** What a trace that names no model is served by. */
export const DEFAULT_ARCHITECTURE = 'Llama-3.1-70B'
export const DEFAULT_CLUSTER = 'h100_16gpu'

/**
 * MLPerf Inference's limits for Llama-2-70B in the server scenario (v4.0 rules): TTFT 2 s, TPOT 200 ms, for 99 % of
 * the requests.
 */
export const DEFAULT_SLO = { ttftMs: 2_000, tpotMs: 200 } as const

export interface DefaultScenarioOptions {
  readonly name: string
  readonly file: string
  readonly format: string | undefined
  /** Model names in the trace, in order of appearance; empty when it has none. */
  readonly modelNames: readonly string[]
  readonly table: ModelMap
  /** Names of the catalogue's models. */
  readonly architectures: ReadonlySet<string>
}

/**
 * The scenario of a trace that comes without one: every model it names, else a single large one, on a cluster that
 * grows when weights need it.
 */
export function defaultScenario(options: DefaultScenarioOptions): Planning<ScenarioInput> {
  const { name, file, format, modelNames, table, architectures } = options
  const models = new Map<string, string>()
  const routes = new Map<string, string>()
  const unknown: string[] = []
  for (const traceName of modelNames) {
    const found = lookUpModel(table, traceName, architectures)
    if (found.kind === 'unknown') unknown.push(traceName)
    else {
      models.set(found.mapping.name, found.mapping.architecture)
      routes.set(traceName, found.mapping.name)
    }
  }
  if (unknown.length > 0) {
    return refused(
      `${file}: nothing is known of the models ${unknown.slice(0, 8).join(', ')}; say what they are with --model-map ${unknown[0]}=${DEFAULT_ARCHITECTURE}`,
    )
  }
  if (models.size === 0) models.set(DEFAULT_ARCHITECTURE, DEFAULT_ARCHITECTURE)
  return planned({
    name,
    cluster: { preset: DEFAULT_CLUSTER, grow: true },
    models: [...models].map(([model, architecture]) => ({ name: model, architecture })),
    workload: {
      traces: [{ file, ...(format === undefined ? {} : { format }), models: Object.fromEntries(routes) }],
    },
    slo: DEFAULT_SLO,
  })
}
