import type { DeviceCommand, DeviceEvent } from '@kvasir/contracts'
import type { DeviceEffect } from './device-machine.js'

/** What a command did, as a history keeps it; undefined for those that change nobody's rights. */
export function deviceEventOf(
  command: DeviceCommand,
  effects: readonly DeviceEffect[],
): DeviceEvent | undefined {
  const refusal = effects.find((effect) => effect.kind === 'refused')
  const refused = refusal === undefined ? {} : { refused: refusal.reason }
  if (command.kind === 'fence') {
    const { kind, epoch, nonce } = command
    return { kind, epoch, nonce, ...refused }
  }
  const { engine, incarnation } = command
  switch (command.kind) {
    case 'open':
    case 'close':
      return { kind: command.kind, engine, incarnation, ...refused }
    case 'map': {
      const mapped = effects.find((effect) => effect.kind === 'mapped')
      const bundles = mapped?.bundles ?? []
      return { kind: 'map', engine, incarnation, epoch: command.epoch, bundles, ...refused }
    }
    case 'unmap':
      return { kind: 'unmap', engine, incarnation, bundles: command.bundles, ...refused }
    case 'execute':
      return { kind: 'execute', engine, incarnation, epoch: command.epoch, ...refused }
    default:
      return undefined
  }
}
