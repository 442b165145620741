import { bellIn, Bells, Connection, keysOf, type RedisAddress, RedisStore, Ticks } from '@kvasir/redis-store'
import type { ActorStore, ActorStores } from './actor-store.js'

/** Actors whose stores lie in Redis. One connection carries commands, one hears bells. */
export class RedisActors implements ActorStores {
  readonly #connection: Connection
  readonly #bells: Bells
  /** By actor: what comes for all peers of one is read once. */
  readonly #ticks = new Map<string, Ticks>()

  constructor(address: RedisAddress) {
    this.#connection = new Connection(address)
    this.#bells = new Bells(address)
  }

  /** @throws when Redis does not answer in time. */
  async ready(): Promise<void> {
    await this.#connection.ready()
  }

  actor(name: string): ActorStore {
    const store = new RedisStore(this.#connection, name)
    const keys = keysOf(name)
    const ticks = this.#ticks.get(name) ?? new Ticks(this.#bells, keys)
    this.#ticks.set(name, ticks)
    return {
      own: (command) => store.own(command),
      peer: (command) => store.peer(command),
      onBell: (listener) => this.#bells.listen(keys.bell, (text) => listener(bellIn(text))),
      onTick: (peer, listener) => ticks.onTick(peer, listener),
      newestLog: (count) => store.newestLog(count),
      logAfter: (position, limit) => store.logAfter(position, limit),
    }
  }

  close(): void {
    this.#connection.close()
    this.#bells.close()
  }
}
