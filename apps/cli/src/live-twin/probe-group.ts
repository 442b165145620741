import type { DeviceAnswer } from '@kvasir/contracts'
import { type DeviceLine, monotonicClock, RemoteGroup } from '@kvasir/devices'
import { invariant, type Micros } from '@kvasir/kernel'
import type { EnginePlan, ModelPlan } from '@kvasir/simulation'
import { ClusterTrouble } from '../live/cluster-trouble.js'

/** Longer than any step, and than a group takes to be reached. */
const ANSWER_WITHIN_MS = 10_000
/** Steps that are not counted: programs are compiled while they run. */
const WARM_STEPS = 40

/** One sequence that decodes: the smallest step there is. */
const DECODE = {
  sequences: 1,
  totalTokens: 1,
  decodeSequences: 1,
  decodeContextTokens: 256,
  prefillTokens: 0,
  prefillContextTokens: 0,
  prefillPairs: 0,
} as const

export interface ProbedGroup {
  /** Where it listens, as `RemoteGroup` takes it. */
  readonly address: string
  /** One that serves there, and its model: the probe's steps take what its steps take. */
  readonly engine: Pick<EnginePlan, 'id'>
  readonly model: Pick<ModelPlan, 'name' | 'architecture' | 'host'>
}

/**
 * What words to an idle group and back take: a guest has it run steps one after the other, as an engine would, and takes off what the
 * group says they took. The guest holds no memory, has steps run only while nobody else wants the group, and leaves.
 * @returns of each step, real microseconds.
 * @throws {ClusterTrouble} when the group does not answer.
 */
export async function probeWay(group: ProbedGroup, steps: number): Promise<readonly Micros[]> {
  const device = new RemoteGroup(group.address)
  const guest = new Guest(`probe-of-${group.engine.id}`, group.address)
  const line = device.connect(guest)
  guest.line = line
  try {
    await guest.open(group.model)
    const waysUs: Micros[] = []
    for (let i = 0; i < WARM_STEPS + steps; i++) {
      const wayUs = await guest.run()
      if (i >= WARM_STEPS) waysUs.push(wayUs)
    }
    return waysUs
  } finally {
    guest.leave()
    line.close()
    device.close()
  }
}

/** An engine that has nothing but a line. */
class Guest {
  line: DeviceLine | undefined
  readonly #sender: { readonly engine: string; readonly incarnation: number }
  readonly #address: string
  #epoch = 0
  #heard: ((answer: DeviceAnswer) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  constructor(engine: string, address: string) {
    this.#sender = { engine, incarnation: Date.now() }
    this.#address = address
  }

  answer(answer: DeviceAnswer, highestEpoch: number | undefined): void {
    this.#epoch = Math.max(this.#epoch, highestEpoch ?? 0)
    this.#heard?.(answer)
  }

  lost(reason: string): void {
    this.#failed?.(
      new ClusterTrouble(`the group at ${this.#address} was lost while it was measured: ${reason}`),
    )
  }

  /** The group refuses who does not know its epoch, and tells it. */
  async open({ name, architecture, host }: ProbedGroup['model']): Promise<void> {
    const served = { architecture, host }
    this.line?.send({ kind: 'open', ...this.#sender, model: name, served, blockBytesPerRank: 1, share: 0.01 })
    if ((await this.#step()).kind === 'executed') this.#pass()
  }

  /** @returns what the words of one step took, microseconds. */
  async run(): Promise<Micros> {
    const sentUs = monotonicClock.now()
    const answer = await this.#step()
    if (answer.kind !== 'executed')
      throw new ClusterTrouble(
        `the group at ${this.#address} answered ${answer.kind === 'refused' ? answer.reason : answer.kind} while it was measured; it must be idle`,
      )
    this.#pass()
    // By our own clock: see `RemoteGroup`.
    return answer.startedUs - sentUs
  }

  leave(): void {
    this.line?.send({ kind: 'close', ...this.#sender })
  }

  #pass(): void {
    this.line?.send({ kind: 'pass', ...this.#sender })
  }

  #step(): Promise<DeviceAnswer> {
    invariant(this.#heard === undefined, () => 'a probe has two steps under way')
    return new Promise<DeviceAnswer>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new ClusterTrouble(`the group at ${this.#address} did not answer within 10 s`)),
        ANSWER_WITHIN_MS,
      )
      const settle = () => {
        clearTimeout(timer)
        this.#heard = undefined
        this.#failed = undefined
      }
      this.#heard = (answer) => {
        settle()
        resolve(answer)
      }
      this.#failed = (error) => {
        settle()
        reject(error)
      }
      this.line?.send({
        kind: 'execute',
        ...this.#sender,
        epoch: this.#epoch,
        shape: DECODE,
        ifFree: true,
      })
    })
  }
}
