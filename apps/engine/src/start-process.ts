import type { EngineProcess, EngineProfile } from '@kvasir/contracts'
import { RemoteGroup } from '@kvasir/devices'
import { RedisActors, type Running } from '@kvasir/platform'
import { start } from './start.js'

/**
 * Starts the engines of one process. Several share connections: one to each Redis, one to each TP group.
 * @throws {ProfileError} when a profile names what is not there.
 */
export async function startProcess(process: EngineProcess): Promise<Running> {
  if (!('engines' in process)) return start(process)
  const shared = new Shared()
  const running: Running[] = []
  const stop = async () => {
    await Promise.all(running.map((engine) => engine.stop()))
    shared.close()
  }
  try {
    for (const profile of process.engines) running.push(await start(profile, shared.of(profile)))
  } catch (error) {
    await stop()
    throw error
  }
  return { url: running[0].url, stop }
}

/** Connections by address. */
class Shared {
  readonly #stores = new Map<string, RedisActors>()
  readonly #devices = new Map<string, RemoteGroup>()

  of({ store, device }: EngineProfile): { readonly stores: RedisActors; readonly device: RemoteGroup } {
    return {
      stores: known(this.#stores, JSON.stringify(store), () => new RedisActors(store)),
      device: known(this.#devices, device, () => new RemoteGroup(device)),
    }
  }

  close(): void {
    for (const stores of this.#stores.values()) stores.close()
    for (const device of this.#devices.values()) device.close()
  }
}

function known<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
