import type { DeviceCommand, EngineMessage } from '@kvasir/contracts'
import type { EngineEffect } from './engine-effect.js'

/**
 * The effects of the step under way, in the order in which its parts cause them. A driver may step the machine again while it still
 * performs the effects of the step before, so every step begins a list of its own.
 */
export class Outbox {
  #effects: EngineEffect[] = []

  get effects(): readonly EngineEffect[] {
    return this.#effects
  }

  begin(): void {
    this.#effects = []
  }

  emit(effect: EngineEffect): void {
    this.#effects.push(effect)
  }

  send(message: EngineMessage): void {
    this.#effects.push({ kind: 'send', message })
  }

  device(command: DeviceCommand): void {
    this.#effects.push({ kind: 'device', command })
  }
}
