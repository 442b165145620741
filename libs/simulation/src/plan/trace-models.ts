import type { ModelSpec, TraceSpec } from '@kvasir/contracts'
import { modelByName } from '@kvasir/hardware'
import type { DealRule, ModelMap } from '@kvasir/workload'
import { planned, type Planning, refused } from './planning.js'

/** Where the requests of one trace go. */
export interface TraceRouting {
  /** By the name in the trace. */
  readonly modelOf: ReadonlyMap<string, string>
  /** For requests that name no model. */
  readonly deal: DealRule
}

export interface TraceNames {
  /** Path of the trace's part of the scenario, for messages. */
  readonly path: string
  readonly spec: TraceSpec
  /** Every model name in the trace. */
  readonly names: readonly string[]
}

/**
 * Finds the scenario's model for every name in a trace: by what the scenario says, else the model of that name,
 * else the one that the table of well-known names stands for, by its name or as the only one of its architecture.
 */
export function routeTrace(
  trace: TraceNames,
  models: readonly ModelSpec[],
  table: ModelMap,
): Planning<TraceRouting> {
  const modelOf = new Map<string, string>()
  const unknown: string[] = []
  for (const name of trace.names) {
    const model = trace.spec.models?.[name] ?? namedModel(name, models) ?? tabledModel(name, models, table)
    if (model === undefined) unknown.push(name)
    else modelOf.set(name, model)
  }
  if (unknown.length > 0) {
    return refused(
      `${trace.path}: the trace names ${list(unknown)}; ${trace.path}.models (or --model-map) must say which of ${list(models.map(({ name }) => name))} serves it`,
    )
  }
  return planned({ modelOf, deal: dealOf(trace.spec, models) })
}

function namedModel(name: string, models: readonly ModelSpec[]): string | undefined {
  return models.find((model) => model.name === name)?.name
}

function tabledModel(name: string, models: readonly ModelSpec[], table: ModelMap): string | undefined {
  const mapping = table.get(name)
  if (mapping === undefined) return undefined
  const byName = namedModel(mapping.name, models)
  if (byName !== undefined) return byName
  const architecture = canonical(mapping.architecture)
  const alike = models.filter((model) => canonical(model.architecture) === architecture)
  return alike.length === 1 ? alike[0].name : undefined
}

function canonical(architecture: string): string {
  const found = modelByName(architecture)
  return found.kind === 'found' ? found.model.name : architecture
}

/** One model takes all; several take turns by the shares that the scenario says, or alike. */
function dealOf(spec: TraceSpec, models: readonly ModelSpec[]): DealRule {
  const shares = Object.entries(spec.deal ?? {}).filter(([, share]) => share > 0)
  const weights = shares.length > 0 ? shares : models.map(({ name }) => [name, 1] as const)
  if (weights.length === 1) return { kind: 'one', model: weights[0][0] }
  return { kind: 'round_robin', models: weights.map(([model, weight]) => ({ model, weight })) }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ')
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown
}
