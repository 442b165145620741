import type { ActorStore } from '../live/actor-store.js'

/** A store whose methods can be replaced one by one. */
export function boundTo(store: ActorStore): ActorStore {
  return {
    own: (command) => store.own(command),
    peer: (command) => store.peer(command),
    onBell: (listener) => store.onBell(listener),
    onTick: (peer, listener) => store.onTick(peer, listener),
    newestLog: (count) => store.newestLog(count),
    logAfter: (position, limit) => store.logAfter(position, limit),
  }
}
