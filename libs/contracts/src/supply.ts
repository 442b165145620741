import { z } from 'zod'

/** One point of a supply curve: freeing `bundles` bundles (cumulative within its priority) costs `costUs`. */
export const supplyPointSchema = z.strictObject({
  priority: z.number(),
  bundles: z.int().min(1),
  /** Estimated time that the freed work costs to bring back: the smaller of recompute and swap out plus in. */
  costUs: z.number().min(0),
})
export type SupplyPoint = z.infer<typeof supplyPointSchema>

/** Most points one engine may publish. */
export const SUPPLY_POINTS_MAX = 16
