import type {
  BlockCopies,
  DeviceAnswer,
  DeviceCommand,
  DeviceRefusal,
  DeviceSnapshot,
  StepShape,
} from '@kvasir/contracts'
import { type Gpu, TransferQueue } from '@kvasir/hardware'
import { type Bytes, invariant, type Machine, type Micros } from '@kvasir/kernel'
import { type Arbitration, chooseNext, PATIENCE_US } from './arbiter.js'
import { BundleMap } from './bundle-map.js'
import { queueCopies } from './host-link.js'
import { fitPart, partFor, type Sharer, type Sharing, WHOLE } from './parts.js'
import { RunParts } from './run-parts.js'

/** To the driver: make this step's copies, then do its arithmetic (or wait as long as both would take), then say `ran`. */
export interface Run {
  readonly kind: 'run'
  readonly engine: string
  /** Number of the run; `ran` echoes it. */
  readonly turn: number
  readonly shape: StepShape
  /** Fraction of the group the step runs on; 1 where steps take turns. */
  readonly share: number
  readonly copies: BlockCopies | undefined
  /** Modelled time until the copies are done, those waited for included; the arithmetic comes after it. 0 without a model. */
  readonly copyUs: Micros
}

/** To the driver: make these copies beside whatever runs, then say `transferred`. */
export interface Transfer {
  readonly kind: 'transfer'
  readonly engine: string
  /** Number of the transfer; `transferred` echoes it. */
  readonly transfer: number
  readonly copies: BlockCopies
  /** As in {@link Run}. */
  readonly copyUs: Micros
}

export type DeviceInput =
  | DeviceCommand
  | { readonly kind: 'ran'; readonly engine: string; readonly turn: number }
  | { readonly kind: 'transferred'; readonly transfer: number }
  /** The engine cannot be heard any more: nobody waits for it. Its bundles stay its own. */
  | { readonly kind: 'detached'; readonly engine: string; readonly incarnation: number }
export type DeviceEffect = DeviceAnswer | Run | Transfer

export interface DeviceOptions {
  readonly bundles: number
  readonly arbitration: Arbitration
  /** `time` unless said otherwise. Fixed fractions are fractions of either. */
  readonly sharing?: Sharing
  /** By whose links to host memory the time of copies is modelled; absent where they really take it. */
  readonly gpu?: Gpu
  /** What an earlier run of the same group knew. */
  readonly restored?: DeviceSnapshot
}

type Ready = Extract<DeviceCommand, { kind: 'ready' }>
type Execute = Extract<DeviceCommand, { kind: 'execute' }>
type Copy = Extract<DeviceCommand, { kind: 'copy' }>
type Executed = Extract<DeviceAnswer, { kind: 'executed' }>
/** Of a turn, see `Tenant`. */
type Asked = Pick<Tenant, 'claim' | 'dueUs'>

const nothing: readonly DeviceAnswer[] = []

/**
 * ```
 *   idle ──ready──► waiting ──turn──► turn ──execute──► running ──ran──► ended ──ready──► waiting
 *                      ▲                └────pass────► idle ◄──│─pass──────┘
 *                      └────────────ran, next asked for────────┘
 * ```
 * An engine whose step ended speaks before the next turn is given: else two engines would alternate whatever their claims. One that
 * has asked for its next turn has spoken.
 */
type Phase = 'idle' | 'waiting' | 'turn' | 'running' | 'ended'

interface Tenant {
  readonly engine: string
  readonly owner: number
  readonly incarnation: number
  readonly share: number
  readonly blockBytesPerRank: Bytes
  mapped: number
  lastServed: number
  claim: number
  waitsSinceUs: Micros
  /** Last moment for its next step to begin, as it said or as its patience ends. */
  dueUs: Micros
  /** Of its last step. */
  stepUs: Micros
  phase: Phase
  /** Of the group, from its turn until it speaks after its step; 0 where fractions are fixed. */
  part: number
  startedUs: Micros
  /** When the last of its copies is done, by the model: its next step comes after them. */
  copiedUs: Micros
  /** Steps begun, and the end of the newest one that has ended: said again to a run that did not hear it. */
  steps: number
  ended: Executed | undefined
  /** Asked of the turn after the step that runs. */
  next: Asked | undefined
  /** Nobody hears it: its step under way ends without a place in line. */
  detached: boolean
  /** From an earlier run of the group: what its bundles held is gone. */
  readonly restored: boolean
  /** What it is told when it has the turn, made once. */
  readonly turn: readonly DeviceAnswer[]
}

/**
 * One TP group: stores the highest epoch it was fenced with, refuses everything older, knows which engine has which
 * bundle mapped, and lets the engines that share it take turns, one step at a time or each on a part of the group. Whatever
 * does the arithmetic, this decides: the last line of defence against double ownership.
 */
export class DeviceMachine implements Machine<DeviceInput, DeviceEffect> {
  readonly bundles: BundleMap
  readonly #arbitration: Arbitration
  readonly #sharing: Sharing
  #tenants = new Map<string, Tenant>()
  /** Who was looked up last: an engine that is alone on its group, or takes its turn, is so several times in a row. */
  #last: Tenant | undefined
  #owners: string[] = []
  #epoch = 0
  #nonce = 0
  #now: Micros = 0
  /** Parts that nobody has the turn for or runs on. */
  #free = WHOLE
  #turn = 0
  #waiting: Tenant[] = []
  /** Parts that runs under way have, by number: an engine may leave before its step ends. */
  readonly #runs = new RunParts()
  readonly #link: TransferQueue | undefined
  /** Copies under way that belong to no step, by number. */
  readonly #transfers = new Map<number, { readonly tenant: Tenant; readonly copy: number }>()
  #transfer = 0

  constructor(options: DeviceOptions) {
    this.bundles = new BundleMap(options.bundles)
    this.#arbitration = options.arbitration
    this.#sharing = options.sharing ?? 'time'
    this.#link = options.gpu && new TransferQueue(options.gpu)
    if (options.restored) this.#restore(options.restored)
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Of the run of an engine that has opened the group; undefined when none has. */
  incarnationOf(engine: string): number | undefined {
    return this.#tenants.get(engine)?.incarnation
  }

  /** All that must outlive this run: who may command, and who has what. */
  snapshot(): DeviceSnapshot {
    const tenants = [...this.#tenants.values()].map(
      ({ engine, owner, incarnation, share, blockBytesPerRank }) => ({
        engine,
        incarnation,
        share,
        blockBytesPerRank,
        bundles: this.bundles.ownedBy(owner),
      }),
    )
    return { epoch: this.#epoch, nonce: this.#nonce, tenants }
  }

  mappedBy(engine: string): number {
    return this.#tenants.get(engine)?.mapped ?? 0
  }

  nextDeadline(): undefined {
    return undefined
  }

  step(now: Micros, input: DeviceInput): readonly DeviceEffect[] {
    this.#now = now
    switch (input.kind) {
      case 'execute':
        return this.#execute(now, input)
      case 'ran':
        return this.#ran(now, input.engine, input.turn)
      case 'copy':
        return this.#copy(now, input)
      case 'transferred':
        return this.#transferred(input.transfer)
      case 'ready':
        return this.#ready(input)
      case 'pass':
        return this.#pass(input)
      case 'map':
        return this.#map(input)
      case 'unmap':
        return this.#unmap(input)
      case 'open':
        return this.#open(input)
      case 'attach':
        return this.#attach(input)
      case 'close':
        return this.#close(input)
      case 'fence':
        return this.#fence(input.epoch, input.nonce)
      case 'detached':
        return this.#detached(input)
    }
  }

  #restore({ epoch, nonce, tenants }: DeviceSnapshot): void {
    this.#epoch = epoch
    this.#nonce = nonce
    for (const { bundles, ...sender } of tenants) {
      const tenant = this.#admitTenant(sender, true)
      this.bundles.take(tenant.owner, bundles)
      tenant.mapped = bundles.length
    }
    this.#assertMapped()
  }

  #open(input: Extract<DeviceCommand, { kind: 'open' }>): readonly DeviceEffect[] {
    const earlier = this.#tenants.get(input.engine)
    if (earlier && earlier.incarnation > input.incarnation) return [refusal(input, 'stale_incarnation')]
    // The same run over another line: what it has mapped is still its own.
    if (earlier?.incarnation === input.incarnation) {
      earlier.detached = false
      return this.#leaveLine(earlier)
    }
    const effects = earlier ? this.#evict(earlier) : []
    this.#admitTenant(input)
    return effects
  }

  #admitTenant(
    sender: {
      readonly engine: string
      readonly incarnation: number
      readonly share: number
      readonly blockBytesPerRank: Bytes
    },
    restored = false,
  ): Tenant {
    const { engine, incarnation, share, blockBytesPerRank } = sender
    const tenant: Tenant = {
      engine,
      owner: this.#owners.push(engine) - 1,
      incarnation,
      share,
      blockBytesPerRank,
      mapped: 0,
      lastServed: 0,
      claim: 0,
      waitsSinceUs: 0,
      dueUs: Infinity,
      stepUs: 0,
      phase: 'idle',
      part: 0,
      startedUs: 0,
      copiedUs: 0,
      steps: 0,
      ended: undefined,
      next: undefined,
      detached: false,
      restored,
      turn: [{ kind: 'turn', engine }],
    }
    this.#tenants.set(engine, tenant)
    this.#last = undefined
    return tenant
  }

  /** What the run had is still its own; its place in line it takes anew. */
  #attach(input: Extract<DeviceCommand, { kind: 'attach' }>): readonly DeviceEffect[] {
    const tenant = this.#tenants.get(input.engine)
    if (!tenant || tenant.restored) return [refusal(input, 'not_open')]
    if (tenant.incarnation !== input.incarnation) return [refusal(input, 'stale_incarnation')]
    const { engine, step } = input
    const turns = tenant.phase === 'running' ? [] : this.#leaveLine(tenant)
    tenant.detached = false
    tenant.next = undefined
    const stepKnown = step > 0 && step === tenant.steps
    const attached = {
      kind: 'attached',
      engine,
      bundles: this.bundles.ownedBy(tenant.owner),
      stepKnown,
    } as const
    const again = stepKnown && tenant.phase !== 'running' && tenant.ended ? [tenant.ended] : []
    return [attached, ...again, ...turns]
  }

  #close(input: Extract<DeviceCommand, { kind: 'close' }>): readonly DeviceEffect[] {
    const tenant = this.#tenants.get(input.engine)
    if (!tenant || tenant.incarnation !== input.incarnation) return [refusal(input, 'not_open')]
    this.#tenants.delete(input.engine)
    this.#last = undefined
    return this.#evict(tenant)
  }

  #detached(input: Extract<DeviceInput, { kind: 'detached' }>): readonly DeviceEffect[] {
    const tenant = this.#tenants.get(input.engine)
    if (tenant?.incarnation !== input.incarnation) return []
    tenant.detached = true
    // A step under way may be heard of by the same run over another line.
    return tenant.phase === 'running' ? [] : this.#leaveLine(tenant)
  }

  /** Takes a tenant's bundles and its place in line. */
  #evict(tenant: Tenant): readonly DeviceEffect[] {
    this.bundles.unmapAll(tenant.owner)
    tenant.mapped = 0
    return this.#leaveLine(tenant)
  }

  /** Takes a tenant's place in line and its turn; a step under way ends by itself and answers nobody. */
  #leaveLine(tenant: Tenant): readonly DeviceEffect[] {
    this.#waiting = this.#waiting.filter((other) => other !== tenant)
    const awaited = tenant.phase === 'turn' || tenant.phase === 'ended'
    const part = tenant.part
    tenant.phase = 'idle'
    tenant.part = 0
    tenant.next = undefined
    return awaited ? this.#vacate(part) : []
  }

  /** Two owners may have chosen the same epoch on two sides of a split: the first nonce wins. */
  #fence(epoch: number, nonce: number): readonly DeviceEffect[] {
    if (epoch < this.#epoch || (epoch === this.#epoch && nonce !== this.#nonce))
      return [{ kind: 'refused', engine: '', command: 'fence', reason: 'stale_epoch' }]
    this.#epoch = epoch
    this.#nonce = nonce
    const held = [...this.#tenants.values()].map(({ engine, incarnation, mapped }) => ({
      engine,
      incarnation,
      bundles: mapped,
    }))
    return [{ kind: 'fenced', epoch, held }]
  }

  #map(input: Extract<DeviceCommand, { kind: 'map' }>): readonly DeviceEffect[] {
    const tenant = this.#admit(input.engine, input.incarnation, input.epoch)
    if (typeof tenant === 'string') return [refusal(input, tenant)]
    const bundles = this.bundles.map(tenant.owner, input.bundles)
    if (bundles.length === 0) return [refusal(input, 'pool_exhausted')]
    tenant.mapped += bundles.length
    this.#assertMapped()
    return [{ kind: 'mapped', engine: input.engine, bundles }]
  }

  /** Giving back is never stale: an old epoch may still return what it holds. */
  #unmap(input: Extract<DeviceCommand, { kind: 'unmap' }>): readonly DeviceEffect[] {
    const tenant = this.#tenants.get(input.engine)
    if (!tenant) return [refusal(input, 'not_open')]
    if (tenant.incarnation !== input.incarnation) return [refusal(input, 'stale_incarnation')]
    if (!this.bundles.holds(tenant.owner, input.bundles)) return [refusal(input, 'not_mapped')]
    this.bundles.unmap(tenant.owner, input.bundles)
    tenant.mapped -= input.bundles.length
    return []
  }

  #ready(input: Ready): readonly DeviceEffect[] {
    const tenant = this.#admit(input.engine, input.incarnation, input.epoch)
    if (typeof tenant === 'string') return [refusal(input, tenant)]
    const { phase } = tenant
    if (phase !== 'waiting') tenant.waitsSinceUs = this.#now
    this.#note(tenant, input.claim, this.#now + (input.slackUs ?? Infinity))
    if (phase !== 'idle' && phase !== 'ended') return []
    return this.#standInLine(tenant)
  }

  #note(tenant: Tenant, claim: number, dueUs: Micros): void {
    tenant.claim = claim
    tenant.dueUs = Math.min(dueUs, tenant.waitsSinceUs + PATIENCE_US)
  }

  /** From no step, or from one that has ended. */
  #standInLine(tenant: Tenant): readonly DeviceAnswer[] {
    tenant.phase = 'waiting'
    if (this.#arbitration === 'partitioned') return this.#giveTurn(tenant, 0)
    if (tenant.part > 0) this.#takePart(tenant)
    // Hot path: an engine that is alone does not stand in line.
    if (this.#sharing === 'time' && this.#free > 0 && this.#waiting.length === 0)
      return this.#giveTurn(tenant, this.#free)
    this.#waiting.push(tenant)
    return this.#offerTurns()
  }

  #execute(now: Micros, input: Execute): readonly DeviceEffect[] {
    const tenant = this.#admit(input.engine, input.incarnation, input.epoch)
    if (typeof tenant === 'string') return [refusal(input, tenant)]
    if (input.ifFree && tenant.phase === 'idle') this.#takeIfFree(tenant)
    if (tenant.phase !== 'turn') return [refusal(input, 'not_your_turn')]
    tenant.phase = 'running'
    tenant.steps++
    tenant.startedUs = now
    tenant.lastServed = ++this.#turn
    this.#runs.add(this.#turn, tenant.part)
    const share = this.#shareOf(tenant)
    const { shape, copies, next } = input
    tenant.next = next && { claim: next.claim, dueUs: now + (next.slackUs ?? Infinity) }
    if (copies) this.#queueCopies(now, tenant, copies)
    const copyUs = Math.max(0, tenant.copiedUs - now)
    return [{ kind: 'run', engine: tenant.engine, turn: this.#turn, shape, share, copies, copyUs }]
  }

  /** As after a `ready` that is answered at once. */
  #takeIfFree(tenant: Tenant): void {
    const partitioned = this.#arbitration === 'partitioned'
    if (!partitioned && (this.#free < WHOLE || this.#waiting.length > 0)) return
    tenant.phase = 'waiting'
    this.#giveTurn(tenant, partitioned ? 0 : WHOLE)
  }

  /** Reads what is the engine's own into its own host memory, so no epoch is too old for it; but not while its step writes there. */
  #copy(now: Micros, input: Copy): readonly DeviceEffect[] {
    const tenant = this.#tenants.get(input.engine)
    if (!tenant) return [refusal(input, 'not_open')]
    if (tenant.incarnation !== input.incarnation) return [refusal(input, 'stale_incarnation')]
    if (tenant.phase === 'running') return [refusal(input, 'not_your_turn')]
    this.#queueCopies(now, tenant, input.copies)
    const transfer = ++this.#transfer
    this.#transfers.set(transfer, { tenant, copy: input.copy })
    const copyUs = Math.max(0, tenant.copiedUs - now)
    return [{ kind: 'transfer', engine: tenant.engine, transfer, copies: input.copies, copyUs }]
  }

  #transferred(transfer: number): readonly DeviceEffect[] {
    const under = this.#transfers.get(transfer)
    invariant(under !== undefined, () => `transfer ${transfer} is not under way`)
    this.#transfers.delete(transfer)
    const { tenant, copy } = under
    // Its engine may have been closed or begun anew: then nobody waits for it.
    if (this.#tenants.get(tenant.engine) !== tenant) return []
    return [{ kind: 'copied', engine: tenant.engine, copy }]
  }

  #queueCopies(now: Micros, tenant: Tenant, copies: BlockCopies): void {
    if (this.#link === undefined) return
    // The device copies in the order in which it was told, whatever the direction.
    const doneUs = queueCopies(this.#link, now, copies, tenant.blockBytesPerRank)
    tenant.copiedUs = Math.max(tenant.copiedUs, doneUs)
  }

  #pass(input: Extract<DeviceCommand, { kind: 'pass' }>): readonly DeviceEffect[] {
    const tenant = this.#tenant(input.engine)
    if (tenant?.phase !== 'turn' && tenant?.phase !== 'ended') return [refusal(input, 'not_your_turn')]
    tenant.phase = 'idle'
    return this.#vacateBy(tenant)
  }

  #ran(now: Micros, engine: string, turn: number): readonly DeviceEffect[] {
    const part = this.#runs.take(turn)
    const tenant = this.#tenant(engine)
    const known = tenant?.phase === 'running' && tenant.lastServed === turn
    if (!known) return this.#vacate(part)
    const { startedUs } = tenant
    tenant.stepUs = now - startedUs
    const ended = { kind: 'executed', engine, startedUs, finishedUs: now } as const
    tenant.ended = this.#sharing === 'time' ? ended : executedOn(ended, this.#shareOf(tenant))
    if (tenant.detached) {
      tenant.phase = 'idle'
      return this.#vacateBy(tenant)
    }
    if (tenant.next) return this.#goOn(tenant, tenant.next)
    tenant.phase = 'ended'
    return [tenant.ended]
  }

  /** A step has ended whose engine asked for its next turn. What is said again of that step later says nothing of the turn. */
  #goOn(tenant: Tenant, { claim, dueUs }: Asked): readonly DeviceEffect[] {
    const { ended } = tenant
    invariant(ended !== undefined, () => `engine ${tenant.engine} goes on after no step`)
    tenant.next = undefined
    tenant.waitsSinceUs = this.#now
    this.#note(tenant, claim, dueUs)
    return [{ ...ended, next: true }, ...this.#standInLine(tenant)]
  }

  #shareOf(tenant: Tenant): number {
    return this.#arbitration === 'partitioned' ? tenant.share : tenant.part / WHOLE
  }

  #vacateBy(tenant: Tenant): readonly DeviceEffect[] {
    this.#takePart(tenant)
    return this.#offerTurns()
  }

  #vacate(part: number): readonly DeviceEffect[] {
    this.#release(part)
    return this.#offerTurns()
  }

  #takePart(tenant: Tenant): void {
    const { part } = tenant
    tenant.part = 0
    this.#release(part)
  }

  #release(part: number): void {
    this.#free += part
    if (this.#free > WHOLE) refuseRelease(this.#free)
  }

  /** In the order of the line: who waits for parts that are not free is not passed by those behind. */
  #offerTurns(): readonly DeviceAnswer[] {
    if (this.#waiting.length === 0) return nothing
    const turns: DeviceAnswer[] = []
    while (this.#free > 0 && this.#waiting.length > 0) {
      const index = this.#waiting.length === 1 ? 0 : chooseNext(this.#waiting, this.#arbitration, this.#now)
      const tenant = this.#waiting[index]
      const part = this.#sharing === 'time' ? this.#free : this.#partFor(tenant)
      if (part === 0) break
      this.#waiting.splice(index, 1)
      turns.push(...this.#giveTurn(tenant, part))
    }
    return turns
  }

  /** Parts of the free ones for a tenant's next step; 0 when it has to wait for more. */
  #partFor(tenant: Tenant): number {
    const present = [...this.#tenants.values()].filter(({ phase }) => phase !== 'idle')
    const sharers = present.map((other) => this.#sharerOf(other))
    return fitPart(partFor(this.#sharerOf(tenant), sharers), this.#free)
  }

  /** Without budgets all weigh alike. */
  #sharerOf({ share, claim }: Tenant): Sharer {
    return { weight: this.#arbitration === 'claims' ? share : 1, claim }
  }

  #giveTurn(tenant: Tenant, part: number): readonly DeviceAnswer[] {
    if (tenant.phase !== 'waiting') refuseTurn(tenant)
    tenant.phase = 'turn'
    tenant.part = part
    this.#free -= part
    return tenant.turn
  }

  /** Hot path: told the fields by each command, for to read a field of any of many shapes takes as long as all the rest of it. */
  #admit(engine: string, incarnation: number, epoch: number): Tenant | DeviceRefusal {
    if (epoch < this.#epoch) return 'stale_epoch'
    const tenant = this.#tenant(engine)
    if (!tenant) return 'not_open'
    return tenant.incarnation === incarnation ? tenant : 'stale_incarnation'
  }

  #tenant(engine: string): Tenant | undefined {
    if (this.#last?.engine === engine) return this.#last
    return (this.#last = this.#tenants.get(engine))
  }

  /** Law 2: never more mapped than exist, and the cells agree with the counts. */
  #assertMapped(): void {
    let mapped = 0
    for (const tenant of this.#tenants.values()) mapped += tenant.mapped
    invariant(
      mapped + this.bundles.free === this.bundles.total,
      () => `${mapped} bundles mapped and ${this.bundles.free} free of ${this.bundles.total}`,
    )
  }
}

// Apart from where they are called, so that the hot path carries no closures.

function refuseTurn({ engine, phase }: Tenant): never {
  invariant(false, () => `engine ${engine} gets a turn while ${phase}`)
}

function refuseRelease(free: number): never {
  invariant(false, () => `${free} of ${WHOLE} parts of a group are free`)
}

/** Field by field: hot path, and a field behind a spread is added by the runtime. */
function executedOn({ kind, engine, startedUs, finishedUs }: Executed, share: number): Executed {
  return { kind, engine, startedUs, finishedUs, share }
}

function refusal(input: DeviceCommand & { readonly engine: string }, reason: DeviceRefusal): DeviceAnswer {
  return { kind: 'refused', engine: input.engine, command: input.kind, reason }
}
