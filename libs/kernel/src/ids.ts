import type { Flavor } from './flavor.js'

export type PoolId = Flavor<string, 'PoolId'>
export type EngineId = Flavor<string, 'EngineId'>
export type ModelId = Flavor<string, 'ModelId'>
export type RequestId = Flavor<string, 'RequestId'>
export type TenantId = Flavor<string, 'TenantId'>
/** `engine/incarnation/n`, so that an id is never used twice by accident. */
export type PreemptionId = Flavor<string, 'PreemptionId'>

/** Total order of ids by code unit: the tie-break wherever order reaches a decision. Locale plays no part. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
