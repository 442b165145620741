import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { TpGroupProfile } from '@kvasir/contracts'
import type { Device } from '@kvasir/devices'
import { type ActorStores, MemoryActors, type Running } from '@kvasir/platform'
import { type Part, urlOf } from './profiles.js'
import type { ProcessRecord } from './state-folder.js'

/** From src/live and from dist/live alike. */
const appsFolder = fileURLToPath(new URL('../../../', import.meta.url))

/** What an app's `start` takes beside its profile when it shares a process with others. */
interface Surroundings {
  readonly stores?: ActorStores
  readonly device?: Device
  /** By pool. */
  readonly devices?: ReadonlyMap<string, Device>
}

type Start = (profile: unknown, surroundings: Surroundings) => Promise<Running & { readonly group?: Device }>

/** A cluster in this one process, on an in-memory store: for where there is no Redis. What it knows ends with it. */
export class EmbeddedCluster {
  readonly #parts: readonly Part[]
  readonly #stores = new MemoryActors()
  readonly #devices = new Map<string, Device>()
  #running: (Running & { readonly name: string })[] = []

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  get processes(): readonly ProcessRecord[] {
    return this.#parts.map((part) => ({
      name: part.name,
      kind: part.kind,
      state: this.#running.some(({ name }) => name === part.name) ? 'running' : 'starting',
      pid: process.pid,
      restarts: 0,
      url: urlOf(part),
    }))
  }

  async start(): Promise<void> {
    for (const part of this.#parts) {
      const running = await this.#startPart(part)
      this.#running.push({ name: part.name, url: running.url, stop: () => running.stop() })
    }
  }

  /** Each before those that it needs. */
  async stop(): Promise<void> {
    for (const part of this.#running.reverse()) await part.stop()
    this.#running = []
    this.#stores.close()
  }

  async #startPart(part: Part): Promise<Running> {
    const stores = this.#stores
    switch (part.kind) {
      case 'group': {
        const running = await (await startOf('tp-group'))(part.profile, {})
        if (running.group) this.#devices.set(groupOf(part.profile), running.group)
        return running
      }
      case 'coordinator':
        return (await startOf('coordinator'))(part.profile, { stores, devices: this.#devices })
      case 'engine': {
        const device = this.#devices.get(part.profile.pool.id)
        return (await startOf('engine'))(part.profile, device ? { stores, device } : { stores })
      }
      case 'gateway':
        return (await startOf('gateway'))(part.profile, {})
    }
  }
}

function groupOf({ group }: TpGroupProfile): string {
  return group
}

/** Apps are not libraries: nothing is compiled against one. They are found as the supervisor finds them, by their place. */
async function startOf(app: string): Promise<Start> {
  const module = (await import(pathToFileURL(join(appsFolder, app, 'dist/start.js')).href)) as {
    readonly start: Start
  }
  return module.start
}
