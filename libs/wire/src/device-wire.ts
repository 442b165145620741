import type {
  BlockCopies,
  DeviceAnswer,
  DeviceCommand,
  DeviceModel,
  DeviceRefusal,
  NextTurn,
} from '@kvasir/contracts'
import {
  type BlockCopies as WireCopies,
  type NextTurn as WireNextTurn,
  Refusal,
  type Sender,
  type ServedModel,
  type SessionRequest,
  type SessionResponse,
} from './generated/kvasir/device/v1/device.js'

/** A command or an answer that the other side should not have sent. */
export class WireError extends Error {}

/** Commands by how the wire calls them. Contracts and wire differ only in how they nest. */
export function requestOf(command: DeviceCommand): SessionRequest {
  switch (command.kind) {
    case 'open': {
      const { model, blockBytesPerRank, share } = command
      const served = command.served && wireModel(command.served)
      return {
        command: {
          $case: 'open',
          value: { sender: senderOf(command), model, blockBytesPerRank, share, served },
        },
      }
    }
    case 'attach':
      return { command: { $case: 'attach', value: { sender: senderOf(command), step: command.step } } }
    case 'close':
      return { command: { $case: 'close', value: { sender: senderOf(command) } } }
    case 'fence':
      return { command: { $case: 'fence', value: { epoch: command.epoch, nonce: command.nonce } } }
    case 'map': {
      const { epoch, bundles } = command
      return { command: { $case: 'map', value: { sender: senderOf(command), epoch, bundles } } }
    }
    case 'unmap':
      return { command: { $case: 'unmap', value: { sender: senderOf(command), bundles: command.bundles } } }
    case 'ready': {
      const { epoch, claim, slackUs } = command
      return { command: { $case: 'ready', value: { sender: senderOf(command), epoch, claim, slackUs } } }
    }
    case 'execute': {
      const { epoch, shape, copies, next, ifFree = false } = command
      const wired = { copies: copies && wireCopies(copies), next: next && wireNext(next), ifFree }
      const value = { sender: senderOf(command), epoch, shape, ...wired }
      return { command: { $case: 'execute', value } }
    }
    case 'copy': {
      const { copy, copies } = command
      return {
        command: { $case: 'copy', value: { sender: senderOf(command), copy, copies: wireCopies(copies) } },
      }
    }
    case 'pass':
      return { command: { $case: 'pass', value: { sender: senderOf(command) } } }
  }
}

/** @throws {WireError} when a part is missing. */
export function commandIn({ command }: SessionRequest): DeviceCommand {
  if (command === undefined) throw new WireError('a request without a command')
  const { value } = command
  switch (command.$case) {
    case 'open': {
      const { model, blockBytesPerRank, share } = command.value
      if (!(share > 0 && share <= 1))
        throw new WireError(`open: share is ${share}; it must be above 0 and at most 1`)
      const served = command.value.served ? { served: modelIn(command.value.served) } : {}
      return { kind: 'open', ...senderIn(command.value), model, ...served, blockBytesPerRank, share }
    }
    case 'attach':
      return { kind: 'attach', ...senderIn(command.value), step: command.value.step }
    case 'close':
      return { kind: 'close', ...senderIn(command.value) }
    case 'fence':
      return { kind: 'fence', epoch: command.value.epoch, nonce: command.value.nonce }
    case 'map':
      return {
        kind: 'map',
        ...senderIn(command.value),
        epoch: command.value.epoch,
        bundles: command.value.bundles,
      }
    case 'unmap':
      return { kind: 'unmap', ...senderIn(command.value), bundles: command.value.bundles }
    case 'ready': {
      const { epoch, claim, slackUs } = command.value
      return { kind: 'ready', ...senderIn(command.value), epoch, ...turnIn('ready', { claim, slackUs }) }
    }
    case 'execute': {
      const { epoch, shape, copies, next, ifFree } = command.value
      if (!shape) throw new WireError('execute: shape is missing')
      const rest = {
        ...(copies ? { copies: copiesIn(copies) } : {}),
        ...(next ? { next: turnIn('execute: next', next) } : {}),
        ...(ifFree ? { ifFree } : {}),
      }
      return { kind: 'execute', ...senderIn(command.value), epoch, shape, ...rest }
    }
    case 'copy': {
      const { copy, copies } = command.value
      if (!copies) throw new WireError('copy: copies are missing')
      return { kind: 'copy', ...senderIn(command.value), copy, copies: copiesIn(copies) }
    }
    case 'pass':
      return { kind: 'pass', ...senderIn(command.value) }
    default:
      throw new WireError(`a command that is not known: ${JSON.stringify(value)}`)
  }
}

export function responseOf(answer: DeviceAnswer, highestEpoch: number): SessionResponse {
  switch (answer.kind) {
    case 'mapped':
      return { answer: { $case: 'mapped', value: { engine: answer.engine, bundles: answer.bundles } } }
    case 'attached': {
      const { engine, bundles, stepKnown } = answer
      return { answer: { $case: 'attached', value: { engine, bundles, stepKnown } } }
    }
    case 'turn':
      return { answer: { $case: 'turn', value: { engine: answer.engine } } }
    case 'executed': {
      const { engine, startedUs, finishedUs, next = false } = answer
      return { answer: { $case: 'executed', value: { engine, startedUs, finishedUs, next } } }
    }
    case 'copied':
      return { answer: { $case: 'copied', value: { engine: answer.engine, copy: answer.copy } } }
    case 'fenced': {
      const held = answer.held.map(({ engine, incarnation, bundles }) => ({
        sender: { engine, incarnation },
        bundles,
      }))
      return { answer: { $case: 'fenced', value: { epoch: answer.epoch, held } } }
    }
    case 'refused': {
      const { engine, command, reason } = answer
      return {
        answer: { $case: 'refused', value: { engine, command, reason: refusals[reason], highestEpoch } },
      }
    }
  }
}

/** What a device answers, and the highest epoch it knows where it refuses. @throws {WireError} when a part is missing. */
export function answerIn({ answer }: SessionResponse): {
  readonly answer: DeviceAnswer
  readonly highestEpoch?: number
} {
  if (answer === undefined) throw new WireError('a response without an answer')
  switch (answer.$case) {
    case 'mapped':
      return { answer: { kind: 'mapped', engine: answer.value.engine, bundles: answer.value.bundles } }
    case 'attached': {
      const { engine, bundles, stepKnown } = answer.value
      return { answer: { kind: 'attached', engine, bundles, stepKnown } }
    }
    case 'turn':
      return { answer: { kind: 'turn', engine: answer.value.engine } }
    case 'executed': {
      const { engine, startedUs, finishedUs, next } = answer.value
      return { answer: { kind: 'executed', engine, startedUs, finishedUs, ...(next ? { next } : {}) } }
    }
    case 'copied':
      return { answer: { kind: 'copied', engine: answer.value.engine, copy: answer.value.copy } }
    case 'fenced': {
      const held = answer.value.held.map((entry) => ({ ...senderIn(entry), bundles: entry.bundles }))
      return { answer: { kind: 'fenced', epoch: answer.value.epoch, held } }
    }
    case 'refused': {
      const { engine, command, reason, highestEpoch } = answer.value
      return {
        answer: { kind: 'refused', engine, command: commandNamed(command), reason: refusalIn(reason) },
        highestEpoch,
      }
    }
  }
}

const refusals: { readonly [reason in DeviceRefusal]: Refusal } = {
  stale_epoch: Refusal.STALE_EPOCH,
  stale_incarnation: Refusal.STALE_INCARNATION,
  not_open: Refusal.NOT_OPEN,
  pool_exhausted: Refusal.POOL_EXHAUSTED,
  not_mapped: Refusal.NOT_MAPPED,
  not_your_turn: Refusal.NOT_YOUR_TURN,
}

function refusalIn(reason: Refusal): DeviceRefusal {
  switch (reason) {
    case Refusal.STALE_EPOCH:
      return 'stale_epoch'
    case Refusal.STALE_INCARNATION:
      return 'stale_incarnation'
    case Refusal.NOT_OPEN:
      return 'not_open'
    case Refusal.POOL_EXHAUSTED:
      return 'pool_exhausted'
    case Refusal.NOT_MAPPED:
      return 'not_mapped'
    case Refusal.NOT_YOUR_TURN:
      return 'not_your_turn'
    default:
      throw new WireError(`a refusal that is not known: ${reason}`)
  }
}

const commandNames: readonly DeviceCommand['kind'][] = [
  'open',
  'attach',
  'close',
  'fence',
  'map',
  'unmap',
  'ready',
  'execute',
  'copy',
  'pass',
]

function commandNamed(name: string): DeviceCommand['kind'] {
  const known = commandNames.find((candidate) => candidate === name)
  if (known === undefined) throw new WireError(`a command that is not known: "${name}"`)
  return known
}

function senderOf({ engine, incarnation }: Sender): Sender {
  return { engine, incarnation }
}

function senderIn({ sender }: { readonly sender?: Sender | undefined }): Sender {
  if (!sender) throw new WireError('the sender is missing')
  const { engine, incarnation } = sender
  return { engine, incarnation }
}

function wireModel({ architecture, weightDtype = '', kvDtype = '', host = '' }: DeviceModel): ServedModel {
  return { architecture, weightDtype, kvDtype, host }
}

function modelIn({ architecture, weightDtype, kvDtype, host }: ServedModel): DeviceModel {
  return {
    architecture,
    ...(weightDtype === '' ? {} : { weightDtype }),
    ...(kvDtype === '' ? {} : { kvDtype }),
    ...(host === '' ? {} : { host }),
  }
}

function wireNext({ claim, slackUs }: NextTurn): WireNextTurn {
  return { claim, slackUs }
}

/** What is asked of a turn. @throws {WireError} */
function turnIn(where: string, { claim, slackUs }: WireNextTurn): NextTurn {
  if (Number.isNaN(claim)) throw new WireError(`${where}: claim is NaN; it must be a number`)
  return slackUs === undefined ? { claim } : { claim, slackUs }
}

function wireCopies({ outs, ins, outCount, inCount }: BlockCopies): WireCopies {
  return { outs: firstPairs(outs, outCount), ins: firstPairs(ins, inCount) }
}

function firstPairs(list: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: 2 * count }, (_, i) => list[i])
}

function copiesIn({ outs, ins }: WireCopies): BlockCopies {
  if (outs.length % 2 === 1 || ins.length % 2 === 1)
    throw new WireError(`${outs.length} and ${ins.length} numbers; copies come in pairs of blocks`)
  return { outs, ins, outCount: outs.length / 2, inCount: ins.length / 2 }
}
