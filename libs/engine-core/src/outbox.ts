import type { DeviceCommand, EngineMessage } from '@kvasir/contracts'
import type { EngineEffect } from './engine-effect.js'

const nothing: readonly EngineEffect[] = []

/**
 * The effects of the step under way, in the order in which its parts cause them. A driver may step the machine again while it still
 * performs the effects of the step before, so every step leaves a list of its own.
 *
 * Hot path: most steps have two effects, and a list that is made with them takes no more room than they do.
 */
export class Outbox {
  #first: EngineEffect | undefined
  #second: EngineEffect | undefined
  #more: EngineEffect[] | undefined

  /** What has been put in since it was last emptied. */
  take(): readonly EngineEffect[] {
    const first = this.#first
    const second = this.#second
    const more = this.#more
    if (first === undefined) return nothing
    this.#first = undefined
    this.#second = undefined
    this.#more = undefined
    if (second === undefined) return [first]
    return more === undefined ? [first, second] : [first, second, ...more]
  }

  emit(effect: EngineEffect): void {
    if (this.#first === undefined) this.#first = effect
    else if (this.#second === undefined) this.#second = effect
    else if (this.#more === undefined) this.#more = [effect]
    else this.#more.push(effect)
  }

  send(message: EngineMessage): void {
    this.emit({ kind: 'send', message })
  }

  device(command: DeviceCommand): void {
    this.emit({ kind: 'device', command })
  }
}
