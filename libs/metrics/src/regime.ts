/** How near saturation something works. */
export type Regime = 'light' | 'busy' | 'near saturation' | 'saturated'

/**
 * Where latencies begin to depend on the third digit of the capacity: every simulator's errors grow steeply above it
 * (shared/reference/simulators.md, section 8.5).
 */
export const LOAD_WARNING = 0.9
const BUSY_LOAD = 0.6
/** A queue that grows by more than this share of what arrives is not noise. */
const QUEUE_GROWTH_MAX = 0.05

/**
 * @param load work that arrives over work that can be done meanwhile.
 * @param queueGrowth share of the arriving requests by which the queue grows.
 */
export function regimeOf(load: number, queueGrowth = 0): Regime {
  if (load >= 1 || queueGrowth > QUEUE_GROWTH_MAX) return 'saturated'
  if (load > LOAD_WARNING) return 'near saturation'
  return load > BUSY_LOAD ? 'busy' : 'light'
}
