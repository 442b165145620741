import type { Hosted, HostedInput, HostedOutput, PoolSpeech, Takeover } from '@kvasir/coordinator-core'

/** Decides nothing: writes what it hears into the log, a line each, so that it is seen what was heard, how often and in which order. */
export class Recorder implements Hosted<PoolSpeech> {
  readonly epoch: number

  constructor({ epoch }: Takeover) {
    this.epoch = epoch
  }

  nextDeadline(): undefined {
    return undefined
  }

  pack(): string {
    return ''
  }

  step(_now: number, input: HostedInput<PoolSpeech>): HostedOutput {
    return { documents: [], log: linesOf(input), device: [], retired: [], changed: false }
  }
}

function linesOf(input: HostedInput<PoolSpeech>): readonly string[] {
  if (input.kind === 'letter') return [`${input.peer} ${input.message.kind} ${input.message.number}`]
  if (input.kind === 'heartbeat') return [`${input.peer} heartbeat ${input.message.beat}`]
  return input.kind === 'word' ? [`word ${input.word.shares.sequence}`] : []
}
