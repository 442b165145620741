import { ARENA_REQUESTS } from './arena-models.js'

/** What a model name of a trace stands for. */
export interface ModelMapping {
  /**
   * Name of the instance that serves it: two names of one architecture stay two models with weights and KV
   * memory of their own.
   */
  readonly name: string
  /** Name in the catalogue of libs/hardware. */
  readonly architecture: string
}

/** By the name in the trace. */
export type ModelMap = ReadonlyMap<string, ModelMapping>

/** Arena models from the most popular third to the least. */
const ARENA_ARCHITECTURES = ['Qwen3-8B', 'Qwen3-14B', 'Qwen3-32B'] as const

/**
 * Names whose traces say no more than a size or a brand, and the published architecture that stands in for
 * them:
 * - ServeGen (arXiv 2505.09999) names its models m-small, m-mid, m-large; deepseek-r1 becomes its 70B
 *   distillation, which fits a TP-4 group of H100s;
 * - BurstGPT's ChatGPT and GPT-4 have unpublished sizes: a small and a large dense model keep the contrast;
 * - Arena: the most popular third of its 27 models is served by 8B models, the next by 14B and the last by
 *   32B models, so that most requests are light and the rare ones hold much memory.
 */
export const defaultModelMap: ModelMap = mapOf([
  ['m-small', 'Qwen3-8B'],
  ['m-mid', 'Qwen3-32B'],
  ['m-large', 'Llama-3.1-70B'],
  ['deepseek-r1', 'DeepSeek-R1-Distill-Llama-70B'],
  ['ChatGPT', 'Llama-3.1-8B'],
  ['GPT-4', 'Llama-3.1-70B'],
  ...architecturesByPopularity(ARENA_REQUESTS, ARENA_ARCHITECTURES),
])

/**
 * Deals architectures to models in order of popularity, in groups of equal size, earlier groups taking the
 * remainder. Equal counts go by name.
 */
export function architecturesByPopularity(
  requests: readonly (readonly [model: string, requests: number])[],
  architectures: readonly string[],
): readonly (readonly [model: string, architecture: string])[] {
  const ranked = requests.toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : a > b ? 1 : 0))
  const groupSize = Math.ceil(ranked.length / architectures.length)
  return ranked.map(([model], rank) => [model, architectures[Math.floor(rank / groupSize)]] as const)
}

/** A table of instances named as the trace names them. */
export function mapOf(pairs: readonly (readonly [name: string, architecture: string])[]): ModelMap {
  return new Map(pairs.map(([name, architecture]) => [name, { name, architecture }]))
}

/** `overrides` win; they may also add names and send several trace names to one instance. */
export function overrideModelMap(base: ModelMap, overrides: ModelMap): ModelMap {
  return new Map([...base, ...overrides])
}

export type ModelLookup =
  | { readonly kind: 'mapped'; readonly mapping: ModelMapping }
  | { readonly kind: 'unknown'; readonly traceName: string; readonly known: readonly string[] }

/**
 * A name outside the table stands for itself when `architectures` has it, so that traces may name catalogue
 * models directly.
 */
export function lookUpModel(
  map: ModelMap,
  traceName: string,
  architectures: ReadonlySet<string>,
): ModelLookup {
  const mapping = map.get(traceName)
  if (mapping !== undefined) return { kind: 'mapped', mapping }
  if (architectures.has(traceName))
    return { kind: 'mapped', mapping: { name: traceName, architecture: traceName } }
  return { kind: 'unknown', traceName, known: [...map.keys()] }
}

/** One line per name, in the table's order: `m-small -> m-small (Qwen3-8B)`. */
export function printModelMap(map: ModelMap): readonly string[] {
  return [...map].map(([traceName, { name, architecture }]) => `${traceName} -> ${name} (${architecture})`)
}
