import { engineMessageSchema, engineTermsSchema, parseDocument, poolSettingsSchema } from '@kvasir/contracts'
import { defaultOwnerTimings, OwnerMachine, PoolHost } from '@kvasir/coordinator-core'
import type { Device } from '@kvasir/devices'
import { SeededRng } from '@kvasir/kernel'
import { type ActorStores, OwnerDriver } from '@kvasir/platform'

export const POOL = { id: 'g0', gpu: 'H100', tp: 1, pagesPerBundle: 4, bundles: 600 }

/** An owner of the tests' pool. @param terms of each model. */
export function poolOwner(
  stores: ActorStores,
  device: Device,
  terms: Readonly<Record<string, object>>,
): OwnerDriver {
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
  const decode = (text: string) => {
    const parsed = parseDocument(engineMessageSchema, JSON.parse(text))
    return parsed.kind === 'parsed' ? parsed.value : undefined
  }
  const machine = new OwnerMachine({
    timings: defaultOwnerTimings,
    process: 'test',
    rng: new SeededRng(1, 'owner'),
    device: true,
    host: (now, takeover) => new PoolHost(now, takeover, { pool, decode, decodeWord: () => undefined }),
  })
  return new OwnerDriver({ machine, store: stores.actor(POOL.id), device })
}
