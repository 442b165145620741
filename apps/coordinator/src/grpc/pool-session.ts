import {
  type CoordinatorPool,
  type EngineDocument,
  type EngineMessage,
  engineMessageSchema,
  parseDocument,
  type PoolSettings,
} from '@kvasir/contracts'
import { type ActorStore, EngineMailbox } from '@kvasir/platform'
import {
  type Attach,
  engineMessageIn,
  type PoolSessionRequest,
  type PoolSessionResponse,
  wireDocument,
  WireError,
} from '@kvasir/wire'
import { type ServerDuplexStream, status } from '@grpc/grpc-js'

type Call = ServerDuplexStream<PoolSessionRequest, PoolSessionResponse>

/** Messages on their way to the store at most: what an engine says beyond that waits in its own stream. */
const ON_THE_WAY_MOST = 64

export interface PoolSessionParts {
  readonly call: Call
  readonly attach: Attach
  readonly pool: CoordinatorPool
  readonly settings: PoolSettings
  /** Of the pool's owner. */
  readonly store: ActorStore
}

/**
 * Carries what one engine says into the store, and its documents out of it. It keeps nothing: what is lost on the way the engine says
 * again, here or at another coordinator.
 */
export class PoolSession {
  readonly #call: Call
  readonly #attach: Attach
  readonly #mailbox: EngineMailbox
  #onTheWay = 0
  #over = false
  /** Somebody waits until the engine has read what it was told. */
  #drained: (() => void) | undefined

  constructor({ call, attach, pool, settings, store }: PoolSessionParts) {
    this.#call = call
    this.#attach = attach
    const { roundUs, heartbeatUs, leaseUs, graceUs } = settings
    const failed = (detail: string) => this.#unavailable(detail)
    this.#mailbox = new EngineMailbox({ engine: attach.engine, store, heartbeatUs, failed })
    const { id, gpu, tp, bundles, pagesPerBundle, device } = pool
    const place = { pool: id, gpu, tp, bundles, pagesPerBundle, device }
    const value = { ...place, roundUs, heartbeatUs, leaseUs, graceUs }
    call.write({ message: { $case: 'attached', value } })
    call.on('drain', () => this.#drained?.())
    for (const event of ['end', 'cancelled', 'error'] as const) call.on(event, () => this.#close())
    call.on('end', () => call.end())
    void this.#listen()
  }

  /** @throws {WireError} when it is not what an engine may say. */
  hear(message: PoolSessionRequest['message']): void {
    if (!this.#over) void this.#carry(engineMessageOf(message, this.#attach))
  }

  /** An engine that speaks faster than the store takes it is not listened to for a while. */
  async #carry(message: EngineMessage): Promise<void> {
    if (++this.#onTheWay >= ON_THE_WAY_MOST) this.#call.pause()
    await this.#mailbox.send(message)
    if (--this.#onTheWay < ON_THE_WAY_MOST) this.#call.resume()
  }

  async #listen(): Promise<void> {
    try {
      await this.#mailbox.open((document) => this.#tell(document))
      // What there is to know already, the owner need not say once more.
      await this.#mailbox.look()
    } catch (error) {
      this.#unavailable(error instanceof Error ? error.message : String(error))
    }
  }

  /** An engine that reads slowly gets the newest of the documents it missed. */
  async #tell(document: EngineDocument): Promise<boolean> {
    const { engine, incarnation } = this.#attach
    if (document.incarnation > incarnation)
      this.#end(
        status.ABORTED,
        `incarnation of ${engine} is ${incarnation}; incarnation ${document.incarnation} has its place`,
      )
    // Another one was told an earlier run.
    if (this.#over || document.incarnation !== incarnation) return true
    const message = { $case: 'document', value: wireDocument(document) } as const
    if (!this.#call.write({ message })) await this.#room()
    return true
  }

  #unavailable(detail: string): void {
    const advice = 'keep to the lease and attach again, here or at another coordinator'
    this.#end(status.UNAVAILABLE, `the store does not answer (${detail}); ${advice}`)
  }

  #end(code: status, details: string): void {
    if (!this.#over) this.#call.emit('error', { code, details })
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    this.#drained?.()
    void this.#mailbox.close()
  }

  /** Resolves when the engine has read, or will read no more. */
  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }
}

/** @throws {WireError} naming the field as the wire calls it. */
function engineMessageOf(message: PoolSessionRequest['message'], sender: Attach): EngineMessage {
  if (message === undefined) throw new WireError('the message is missing')
  if (message.$case === 'attach') throw new WireError('attach was said before; one session is for one engine')
  const parsed = parseDocument(engineMessageSchema, engineMessageIn(message, sender))
  if (parsed.kind === 'parsed') return parsed.value
  const sentences = parsed.problems.map((problem) => problem.replace(/^\S+/, snakeCase))
  throw new WireError(`${message.$case}: ${sentences.join('; ')}`)
}

function snakeCase(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
