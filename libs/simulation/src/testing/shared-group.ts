import type { DeviceAnswer, EngineDocument } from '@kvasir/contracts'
import { type DeviceInput, DeviceMachine, type Run, type Transfer } from '@kvasir/device-core'
import { type EngineInput, EngineMachine } from '@kvasir/engine-core'
import { knownGpu } from '@kvasir/hardware'
import { EventHeap, invariant, type Micros, SeededRng } from '@kvasir/kernel'
import { BlockPool, SwapSpace, TokenContent } from '@kvasir/kv-cache'
import { defaultSchedulerConfig, Scheduler, type SequenceCosts, type StepPlan } from '@kvasir/scheduler'
import { type BlockLayout, ByteMemory, outputsAlone, type StepEntry } from './byte-memory.js'

const BUNDLES = 24
const BUNDLE_TOKENS = 48
const LEASE_US = 400_000
/** Inputs from one audit to the next: it recounts all there is. */
const AUDIT_EVERY = 20

interface Life {
  readonly id: string
  readonly prompt: readonly number[]
  readonly content: TokenContent
  readonly outputs: number[]
  readonly outputTokens: number
  ended: 'finished' | 'aborted' | undefined
}

/** What the runs of a sweep met: one that never meets a case proves nothing about it. */
export interface Met {
  finished: number
  preempted: number
  outsInSteps: number
  insInSteps: number
  outsBetweenSteps: number
  prefixHits: number
  refusedSteps: number
  expiredLeases: number
  movedBundles: number
}

class Tenant {
  readonly name: string
  readonly layout: BlockLayout
  readonly machine: EngineMachine
  readonly host = new Map<number, Int32Array>()
  readonly lives = new Map<number, Life>()
  readonly all: Life[] = []
  arriving: Life | undefined
  entries: StepEntry[] = []
  next = new Map<number, number>()
  sequence = 0
  submitted = 0

  constructor(name: string, layout: BlockLayout, machine: EngineMachine) {
    this.name = name
    this.layout = layout
    this.machine = machine
  }
}

/**
 * Two engines of different geometry on one TP group that holds bytes: real machines of engines and device, with an owner that moves
 * leases about at random, falls silent, and is replaced. The group computes from memory alone, one step at a time, and copies to
 * host memory beside that.
 */
export class SharedGroup {
  readonly #rng: SeededRng
  readonly #memory = new ByteMemory(BUNDLES, BUNDLE_TOKENS)
  readonly #device: DeviceMachine
  readonly #tenants: readonly Tenant[]
  readonly #heap = new EventHeap()
  readonly #actions: (() => void)[] = []
  readonly #met: Met
  #now: Micros = 0
  #epoch = 1
  #inputs = 0

  constructor(seed: number, met: Met) {
    this.#met = met
    this.#rng = new SeededRng(seed, 'shared-group')
    const gpu = knownGpu('H100')
    const bytesPerUs = [0.001, 0.05, 10][this.#rng.int(3)]
    this.#device = new DeviceMachine({
      bundles: BUNDLES,
      arbitration: this.#rng.int(2) === 0 ? 'claims' : 'round-robin',
      gpu: { ...gpu, hostLink: { ...gpu.hostLink, bytesPerSecond: 1e6 * bytesPerUs } },
    })
    this.#device.step(0, { kind: 'fence', epoch: 1, nonce: 1 })
    this.#tenants = ['a', 'b'].map((name) => this.#makeTenant(name))
    for (const tenant of this.#tenants) {
      this.#engine(tenant, { kind: 'start' })
      this.#engine(tenant, { kind: 'wake' })
    }
  }

  run(): void {
    for (let i = 0; i < 150; i++) {
      this.#disturb(this.#tenants[this.#rng.int(2)])
      this.#advance(this.#now + this.#rng.int(20_000))
    }
    for (let i = 0; this.#tenants.some(({ lives }) => lives.size > 0); i++) {
      invariant(
        i < 5_000,
        () => `${this.#tenants.map(({ lives }) => lives.size).join(' and ')} sequences never end`,
      )
      for (const tenant of this.#tenants) this.#lease(tenant, BUNDLES / 2, [])
      this.#advance(this.#now + 20_000)
    }
    // Long enough for the last copies to be done and what they held up to be unmapped.
    this.#advance(this.#now + 100_000_000)
    for (const tenant of this.#tenants) this.#check(tenant)
  }

  #makeTenant(name: string): Tenant {
    const rng = this.#rng
    const blockSize = [2, 3, 4, 8][rng.int(4)]
    const layout = { blockSize, blocksPerBundle: BUNDLE_TOKENS / blockSize }
    const prefixCaching = rng.int(2) === 0
    const placement = rng.int(2) === 0 ? 'queue-order' : 'fullest-bundle'
    const pool = new BlockPool({ ...layout, bundleCapacity: BUNDLES, placement, prefixCaching })
    const config = {
      ...defaultSchedulerConfig,
      stepTokenLimit: 4 + rng.int(60),
      sequenceLimit: 1 + rng.int(10),
      contextLimit: 200,
      prefixCaching,
      reserveFullSequence: rng.int(2) === 0,
      order: (['fcfs', 'priority', 'srpt'] as const)[rng.int(3)],
      victim: (['latest', 'lowest-priority', 'least-waste'] as const)[rng.int(3)],
      preemption: (['swap', 'swap', 'cheapest', 'recompute'] as const)[rng.int(4)],
    }
    const costs: SequenceCosts = { recomputeUs: (tokens) => tokens * tokens, swapUs: (blocks) => 60 * blocks }
    const scheduler = new Scheduler(config, pool, costs, new SwapSpace([10, 60, 1_000][rng.int(3)]))
    const machine = new EngineMachine(
      {
        engine: name,
        incarnation: 1,
        model: 'm',
        blockBytesPerRank: 4 * blockSize,
        share: 0.5,
        roundUs: 10_000,
        heartbeatUs: 30_000,
        leaseUs: LEASE_US,
        requestWithinUs: 100_000,
        graceUs: 1_000_000,
        leadUs: 50_000,
        backoffUs: 30_000,
        returnsIdle: rng.int(4) === 0,
        nominalRate: 10_000,
      },
      scheduler,
      pool,
    )
    return new Tenant(name, layout, machine)
  }

  // --- clients and owner ---

  #disturb(tenant: Tenant): void {
    const kind = this.#rng.int(12)
    if (kind < 5) this.#submit(tenant)
    else if (kind < 6) this.#abort(tenant)
    else if (kind < 10) this.#moveLease(tenant)
    else if (kind < 11 && this.#rng.int(6) === 0) this.#replaceOwner()
    else if (this.#rng.int(6) === 0) this.#fallSilent(tenant)
  }

  #submit(tenant: Tenant): void {
    const rng = this.#rng
    const number = tenant.submitted++
    const promptTokens = 1 + rng.int(90)
    const shared = rng.int(3) === 0 ? 0 : rng.int(promptTokens + 1)
    const family = rng.int(2)
    const prompt = Array.from({ length: promptTokens }, (_, i) =>
      i < shared ? 1_000 * family + i : 5_000 + 100 * number + i,
    )
    const life: Life = {
      id: `${tenant.name}${number}`,
      prompt,
      content: new TokenContent(prompt),
      outputs: [],
      outputTokens: 1 + rng.int(60),
      ended: undefined,
    }
    tenant.arriving = life
    this.#engine(tenant, {
      kind: 'submit',
      sequence: {
        id: life.id,
        promptTokens,
        maxOutputTokens: life.outputTokens,
        priority: rng.int(3),
        arrivalUs: this.#now,
        content: life.content,
      },
    })
  }

  #abort(tenant: Tenant): void {
    const slots = [...tenant.lives.keys()]
    if (slots.length > 0) this.#engine(tenant, { kind: 'abort', slot: slots[this.#rng.int(slots.length)] })
  }

  /** More or fewer bundles, with orders to stop somebody for it or without. */
  #moveLease(tenant: Tenant): void {
    const rng = this.#rng
    const bundles = 1 + rng.int(16)
    const excess = tenant.machine.pool.bundles - bundles
    const victimsBelow = rng.int(2) === 0 ? null : rng.int(3)
    const reclaims = excess > 0 ? [{ request: 'r', bundles: excess, victimsBelow }] : []
    this.#met.movedBundles += Math.max(0, excess)
    this.#lease(tenant, bundles, reclaims)
  }

  #lease(tenant: Tenant, leaseBundles: number, reclaims: EngineDocument['reclaims']): void {
    const document: EngineDocument = {
      engine: tenant.name,
      incarnation: 1,
      epoch: this.#epoch,
      sequence: ++tenant.sequence,
      ackBeat: tenant.machine.lease.nextBeat(this.#now),
      processedThrough: 0,
      member: true,
      census: false,
      leaseBundles,
      guaranteeBundles: 2,
      limitBundles: BUNDLES,
      budget: { round: 1, tokens: 100, lentTokens: 0, floor: 10 },
      reclaims,
      sharesPool: true,
      supplyWanted: this.#rng.int(2) === 0,
      outcomes: [],
    }
    this.#engine(tenant, { kind: 'document', document })
  }

  /** The last the engine hears for so long is a smaller lease: it may still be copying what that took when the lease is over. */
  #fallSilent(tenant: Tenant): void {
    this.#advance(this.#now + 380_000)
    this.#moveLease(tenant)
    this.#advance(this.#now + LEASE_US + 50_000)
  }

  /** The new owner fences the device; a step that is on its way under the old epoch is refused. */
  #replaceOwner(): void {
    this.#epoch++
    this.#deviceStep({ kind: 'fence', epoch: this.#epoch, nonce: 1 })
  }

  // --- machines ---

  #engine(tenant: Tenant, input: EngineInput): void {
    for (const effect of tenant.machine.step(this.#now, input).slice()) {
      switch (effect.kind) {
        case 'accepted':
          this.#accepted(tenant, effect.slot)
          break
        case 'device':
          if (effect.command.kind === 'unmap') this.#memory.poison(effect.command.bundles)
          this.#deviceStep(effect.command)
          break
        case 'planned':
          this.#planned(tenant, effect.plan)
          break
        case 'stepped':
          this.#stepped(tenant, effect.outcome)
          break
        case 'preempted':
          this.#met.preempted += effect.slots.length
          this.#met.expiredLeases += effect.cause.kind === 'lease_expired' ? 1 : 0
          this.#met.refusedSteps += effect.cause.kind === 'device_refused' ? 1 : 0
          break
        case 'ended':
          this.#end(tenant, effect.slot, 'aborted')
          break
        default:
          break
      }
    }
    if (++this.#inputs % AUDIT_EVERY === 0) tenant.machine.scheduler.audit()
  }

  #accepted(tenant: Tenant, slot: number): void {
    const life = tenant.arriving
    invariant(life !== undefined && !tenant.lives.has(slot), () => `${tenant.name} accepted what nobody sent`)
    tenant.arriving = undefined
    tenant.lives.set(slot, life)
    tenant.all.push(life)
  }

  #deviceStep(input: DeviceInput): void {
    for (const effect of this.#device.step(this.#now, input)) {
      if (effect.kind === 'run') this.#run(effect)
      else if (effect.kind === 'transfer') this.#transfer(effect)
      else if (effect.kind !== 'fenced') this.#answer(effect)
    }
  }

  #answer(answer: Exclude<DeviceAnswer, { kind: 'fenced' }>): void {
    if (answer.engine !== '') this.#engine(this.#tenant(answer.engine), answer)
  }

  /** Everything that the step does to memory happens at its end: the latest that it may. */
  #run({ engine, turn, copies, copyUs }: Run): void {
    const tenant = this.#tenant(engine)
    const { entries } = tenant
    this.#met.outsInSteps += copies?.outCount ?? 0
    this.#met.insInSteps += copies?.inCount ?? 0
    this.#at(copyUs + 1_000 + this.#rng.int(3_000), () => {
      if (copies) this.#memory.copy(copies, tenant.layout, tenant.host)
      tenant.next = this.#memory.compute(entries, tenant.layout)
      this.#deviceStep({ kind: 'ran', engine, turn })
    })
  }

  #transfer({ engine, transfer, copies, copyUs }: Transfer): void {
    const tenant = this.#tenant(engine)
    this.#met.outsBetweenSteps += copies.outCount
    this.#at(copyUs, () => {
      this.#memory.copy(copies, tenant.layout, tenant.host)
      this.#deviceStep({ kind: 'transferred', transfer })
    })
  }

  #planned(tenant: Tenant, { count, slots, tokens, computed }: StepPlan): void {
    const { scheduler } = tenant.machine
    tenant.entries = Array.from({ length: count }, (_, k) => ({
      slot: slots[k],
      tokens: this.#life(tenant, slots[k]).content.view().slice(),
      table: scheduler.blockTable(slots[k]).slice(),
      computed: computed[k],
      count: tokens[k],
    }))
  }

  #stepped(
    tenant: Tenant,
    outcome: {
      readonly tokenCount: number
      readonly tokenSlots: Int32Array
      readonly finishedCount: number
      readonly finishedSlots: Int32Array
    },
  ): void {
    for (let i = 0; i < outcome.tokenCount; i++) {
      const token = tenant.next.get(outcome.tokenSlots[i])
      invariant(token !== undefined, () => `slot ${outcome.tokenSlots[i]} got a token that was not computed`)
      const life = this.#life(tenant, outcome.tokenSlots[i])
      life.content.append(token)
      life.outputs.push(token)
    }
    for (let i = 0; i < outcome.finishedCount; i++) {
      this.#met.prefixHits +=
        tenant.machine.scheduler.sequence(outcome.finishedSlots[i]).hitTokens > 0 ? 1 : 0
      this.#end(tenant, outcome.finishedSlots[i], 'finished')
    }
  }

  #end(tenant: Tenant, slot: number, how: 'finished' | 'aborted'): void {
    const life = this.#life(tenant, slot)
    invariant(life.ended === undefined, () => `${life.id} ended twice`)
    life.ended = how
    tenant.lives.delete(slot)
  }

  // --- time ---

  #at(us: Micros, action: () => void): void {
    this.#heap.push(this.#now + us, 0, this.#actions.push(action) - 1)
  }

  #advance(until: Micros): void {
    for (;;) {
      const wakes = this.#tenants.map(({ machine }) => machine.nextDeadline() ?? Infinity)
      const wakeUs = Math.max(this.#now, Math.min(...wakes))
      const eventUs = this.#heap.peekTime()
      if (Math.min(wakeUs, eventUs) > until) break
      this.#now = Math.min(wakeUs, eventUs)
      if (eventUs <= wakeUs) this.#actions[this.#heap.pop()]()
      else this.#engine(this.#tenants[wakes.indexOf(Math.min(...wakes))], { kind: 'wake' })
    }
    this.#now = until
  }

  // --- the law ---

  #check(tenant: Tenant): void {
    for (const life of tenant.all) {
      const alone = outputsAlone(life.prompt, life.outputTokens)
      const wanted = life.ended === 'finished' ? alone : alone.slice(0, life.outputs.length)
      invariant(
        life.outputs.length === wanted.length && life.outputs.every((token, i) => token === wanted[i]),
        () => `${life.id}, ${life.ended}: ${life.outputs.join(' ')} in place of ${wanted.join(' ')}`,
      )
      this.#met.finished += life.ended === 'finished' ? 1 : 0
    }
    const { swap } = tenant.machine.scheduler
    invariant(swap.usedBlocks === 0, () => `${swap.usedBlocks} host blocks are left in use`)
    const { machine, name } = tenant
    invariant(
      this.#device.mappedBy(name) === machine.pool.bundles,
      () => `${name} has ${machine.pool.bundles} bundles, its device ${this.#device.mappedBy(name)}`,
    )
  }

  #tenant(name: string): Tenant {
    const tenant = this.#tenants.find((candidate) => candidate.name === name)
    invariant(tenant !== undefined, () => `no engine ${name}`)
    return tenant
  }

  #life(tenant: Tenant, slot: number): Life {
    const life = tenant.lives.get(slot)
    invariant(life !== undefined, () => `slot ${slot} of ${tenant.name} holds no sequence`)
    return life
  }
}
