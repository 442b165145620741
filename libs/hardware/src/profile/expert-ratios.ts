import type { Dtype } from '../dtype.js'
import type { ExpertLayer } from '../model-matrices.js'
import type { ExpertProfile, ExpertProfiles } from './kernel-profile.js'
import { RatioGrid } from './ratio-grid.js'

// Fitted on H100 with each layer left out: three neighbours and this distance gave 15 % where the roofline alone has 26 %.
const NEIGHBOURS = 3
const DISTANCE_FLOOR = 0.1

interface Neighbour {
  readonly weight: number
  readonly even: RatioGrid
  readonly skewed: RatioGrid
}

/**
 * How tokens choose experts, and which 8-bit kernels compute them. The measured ones scale a whole tensor at once and take
 * three times what served models with 8-bit experts do (DeepSeek, Qwen3-235B: their weights are scaled in blocks), so
 * `block`, the default, takes the roofline of 8-bit weights with the ratios measured for 16-bit ones.
 */
export interface ExpertChoice {
  /** 0: evenly; 1: by a power law of exponent 1.2. */
  readonly skew: number
  readonly fp8: 'block' | 'per_tensor'
}

/**
 * Of the four served sets with experts in aic_e2e_silicon_hopper three are nearer with the power law (time per token of
 * DeepSeek-V3 on 8 H200 with SGLang: median error 5 %, with even choices 24 %).
 */
export const expertsOfServedModels: ExpertChoice = { skew: 1, fp8: 'block' }

/** Experts of a layer that was measured, or of the measured layers most like it, by inverse square of distance. */
export class ExpertRatios {
  readonly #profiles: ExpertProfiles
  readonly #choice: ExpertChoice
  readonly #neighbours = new Map<string, readonly Neighbour[]>()

  constructor(profiles: ExpertProfiles, choice: ExpertChoice) {
    this.#profiles = profiles
    this.#choice = choice
  }

  at(layer: ExpertLayer, tokens: number): number {
    let log = 0
    for (const { weight, even, skewed } of this.#near(layer)) {
      const evenLog = Math.log(even.at(tokens))
      log += weight * (evenLog + this.#choice.skew * (Math.log(skewed.at(tokens)) - evenLog))
    }
    return Math.exp(log)
  }

  #near(layer: ExpertLayer): readonly Neighbour[] {
    const name = JSON.stringify(layer)
    const known = this.#neighbours.get(name)
    if (known !== undefined) return known
    const dtype = layer.dtype === 'fp8' && this.#choice.fp8 === 'per_tensor' ? 'fp8' : 'bf16'
    const found = neighbours(this.#profiles, layer, dtype)
    this.#neighbours.set(name, found)
    return found
  }
}

function neighbours(profiles: ExpertProfiles, layer: ExpertLayer, dtype: Dtype): readonly Neighbour[] {
  const alike = profiles.layers.filter((entry) => entry.dtype === dtype)
  const exact = alike.filter((entry) => sameLayer(entry, layer))
  const near = exact.length > 0 ? exact : nearest(alike, layer)
  const weights = near.map((entry) => 1 / (distance(entry, layer) + DISTANCE_FLOOR) ** 2)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const grid = (row: string) =>
    new RatioGrid({ axes: [{ name: 'tokens', knots: profiles.tokens }], rows: [row] })
  return near.map((entry, i) => ({
    weight: weights[i] / total,
    even: grid(entry.even),
    skewed: grid(entry.skewed),
  }))
}

function nearest(entries: readonly ExpertProfile[], layer: ExpertLayer): readonly ExpertProfile[] {
  return entries.toSorted((a, b) => distance(a, layer) - distance(b, layer)).slice(0, NEIGHBOURS)
}

function sameLayer(a: ExpertLayer, b: ExpertLayer): boolean {
  return distance(a, b) === 0 && a.tp === b.tp && a.ep === b.ep
}

/** Of two layers' sizes on one rank, in powers of e. */
function distance(a: ExpertLayer, b: ExpertLayer): number {
  const apart = (size: (layer: ExpertLayer) => number) => Math.abs(Math.log(size(a) / size(b)))
  return (
    apart((layer) => layer.hiddenSize) +
    apart((layer) => layer.intermediateSize / layer.tp) +
    apart((layer) => layer.experts / layer.ep) +
    apart((layer) => layer.expertsPerToken / layer.ep)
  )
}
