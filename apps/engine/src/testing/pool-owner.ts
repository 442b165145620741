import {
  engineLetterSchema,
  engineTermsSchema,
  heartbeatSchema,
  poolSettingsSchema,
  poolWordSchema,
} from '@kvasir/contracts'
import {
  CLUSTER_ACTOR,
  defaultOwnerTimings,
  Ear,
  OwnerMachine,
  PoolHost,
  poolPeer,
  type PoolSpeech,
} from '@kvasir/coordinator-core'
import type { Device } from '@kvasir/devices'
import { SeededRng } from '@kvasir/kernel'
import { type ActorStores, OwnerDriver } from '@kvasir/platform'

export const POOL = { id: 'g0', gpu: 'H100', tp: 1, pagesPerBundle: 4, bundles: 600 }

/** An owner of the tests' pool. @param terms of each model. */
export function poolOwner(
  stores: ActorStores,
  device: Device,
  terms: Readonly<Record<string, object>>,
): OwnerDriver<PoolSpeech> {
  const models = Object.entries(terms)
  const pool = {
    pool: POOL.id,
    bundles: POOL.bundles,
    policy: 'weighted-max-min' as const,
    settings: poolSettingsSchema.parse({}),
    terms: new Map(models.map(([name, some]) => [name, engineTermsSchema.parse(some)])),
    unitsPerToken: new Map<string, number>(),
    nominalRate: new Map(models.map(([name]) => [name, 10_000])),
  }
  const ears = new Ear<PoolSpeech>({
    letter: (text) => engineLetterSchema.parse(JSON.parse(text)),
    heartbeat: (text) => heartbeatSchema.parse(JSON.parse(text)),
    word: (text) => poolWordSchema.parse(JSON.parse(text)),
  })
  const machine = new OwnerMachine<PoolSpeech>({
    timings: defaultOwnerTimings,
    process: 'test',
    rng: new SeededRng(1, 'owner'),
    device: true,
    host: (now, takeover) => new PoolHost(now, takeover, { pool }),
  })
  const above = { store: stores.actor(CLUSTER_ACTOR), peer: poolPeer(POOL.id) }
  return new OwnerDriver({ machine, store: stores.actor(POOL.id), above, ears, device })
}
