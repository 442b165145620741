import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter as BoardAdapter } from '@bull-board/fastify'
import { connectImpatiently, type QueueAddress, RunQueues } from '@kvasir/run-queue'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'

export const BOARD_PATH = '/experiments/queue'

/** How old the list of queues may be, ms: there is one of runs for each code that experiments are under way with. */
const LIST_MS = 1_000

/**
 * Bull Board for experiments that run by way of the store's Redis: to look at, not to change, for whoever conducts an experiment
 * counts on its jobs. It connects when somebody looks for the first time.
 */
export class ExperimentBoard {
  readonly #address: QueueAddress
  readonly #server = new BoardAdapter().setBasePath(BOARD_PATH)
  readonly #board = createBullBoard({
    queues: [],
    serverAdapter: this.#server,
    options: { uiConfig: { boardTitle: 'Kvasir experiments' } },
  })
  #open: { readonly redis: ReturnType<typeof connectImpatiently>; readonly queues: RunQueues } | undefined
  #listedMs = -Infinity

  constructor(address: QueueAddress) {
    this.#address = address
  }

  /** To be called before the application listens. */
  async serve(app: NestFastifyApplication): Promise<void> {
    const pages = this.#server.registerPlugin()
    await app.register(
      (fastify, _options, done) => {
        fastify.addHook('onRequest', () => this.#list())
        fastify.register(pages)
        done()
      },
      { prefix: BOARD_PATH },
    )
  }

  close(): void {
    this.#open?.redis.disconnect()
  }

  /** The pages come without Redis too; then what was listed before stays, and its numbers are refused with 500. */
  async #list(): Promise<void> {
    if (performance.now() - this.#listedMs < LIST_MS) return
    this.#listedMs = performance.now()
    this.#open ??= this.#connect()
    try {
      const queues = await this.#open.queues.list()
      this.#board.replaceQueues(queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })))
    } catch {
      this.#listedMs = -Infinity
    }
  }

  #connect() {
    const redis = connectImpatiently(this.#address)
    return { redis, queues: new RunQueues(redis) }
  }
}
