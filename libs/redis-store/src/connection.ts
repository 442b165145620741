import { Redis } from 'ioredis'

/** Where a Redis is: a URL (`redis://`, `rediss://`) or the path of a unix socket. */
export interface RedisAddress {
  readonly url?: string
  readonly socket?: string
}

/**
 * Times in ms (reference/reliability.md §3.1: a client that waits longer stays on a dead socket for the whole fault; measured). A
 * command that has not been answered after `command` counts as failed, whatever became of it.
 */
const timeouts = { command: 400, socket: 800, connect: 1_000, retryLeast: 50, retryMost: 1_000 }

/** Failures in a row after which the connection is built anew. */
const FAILURES_IN_A_ROW = 2

/** Answers of a server that will not serve this client for a while: somebody else does. */
const wrongServer = /^(READONLY|LOADING|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN)/

/** A connection for commands, each of which is answered or fails in time; or one on which channels are heard, for as long as it takes. */
export type ClientPurpose = 'commands' | 'channels'

/**
 * Of commands nothing is sent twice: one whose answer was lost may have been carried out, and only its sender knows what that means. To
 * subscribe twice does no harm, and a process that starts while the machine is busy must not end because it took long.
 */
function clientOptions(purpose: ClientPurpose, random: () => number) {
  const common = {
    socketTimeout: timeouts.socket,
    connectTimeout: timeouts.connect,
    retryStrategy: (times: number) =>
      Math.ceil(random() * Math.min(timeouts.retryMost, timeouts.retryLeast * 2 ** Math.min(times, 10))),
  }
  if (purpose === 'channels')
    return {
      ...common,
      maxRetriesPerRequest: null,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
    }
  return {
    ...common,
    commandTimeout: timeouts.command,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  }
}

export function newClient({ url, socket }: RedisAddress, purpose: ClientPurpose): Redis {
  const options = clientOptions(purpose, Math.random)
  if (url !== undefined) return new Redis(url, options)
  return socket === undefined ? new Redis(options) : new Redis({ ...options, path: socket })
}

/**
 * A connection that notices by itself when it is of no use any more. Commands are carried out in the order in which they are given;
 * each either answers or fails in time, and a failure does not say that it was not carried out.
 */
export class Connection {
  readonly #address: RedisAddress
  #client: Redis
  #failures = 0
  #closed = false
  /** Why it could not connect last. */
  #unreachable: Error | undefined
  /** Holds back what is written until all that is to be said now has been said: many commands, one system call. */
  #corked: Redis['stream'] | undefined

  constructor(address: RedisAddress) {
    this.#address = address
    this.#client = this.#connect()
  }

  /** Carries out `use` on the present client. @throws what the client throws: the command failed, or may have. */
  async run<T>(use: (client: Redis) => Promise<T>): Promise<T> {
    const client = this.#client
    this.#cork(client)
    try {
      const answer = await use(client)
      this.#failures = 0
      return answer
    } catch (error) {
      this.#noteFailure(client, error)
      throw error
    }
  }

  /** Resolves when commands can be given. @throws when that is not so after `withinMs`. */
  async ready(withinMs = 5_000): Promise<void> {
    const giveUp = Date.now() + withinMs
    for (;;) {
      try {
        await this.run((client) => client.ping())
        return
      } catch (error) {
        // What kept it from connecting says more than that a command could not be given.
        if (Date.now() > giveUp) throw this.#unreachable ?? error
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  close(): void {
    this.#closed = true
    this.#client.disconnect()
  }

  #cork({ stream }: Redis): void {
    if (this.#corked || !stream) return
    this.#corked = stream
    stream.cork()
    process.nextTick(() => {
      this.#corked = undefined
      stream.uncork()
    })
  }

  #noteFailure(client: Redis, error: unknown): void {
    if (client !== this.#client || this.#closed) return
    const message = error instanceof Error ? error.message : String(error)
    this.#failures++
    if (this.#failures < FAILURES_IN_A_ROW && !wrongServer.test(message)) return
    // While it connects by itself there is nothing to replace.
    if (client.status !== 'ready') return
    this.#failures = 0
    client.disconnect()
    this.#client = this.#connect()
  }

  #connect(): Redis {
    const client = newClient(this.#address, 'commands')
    // Every command reports its own failure; without a listener the process would end.
    client.on('error', (error) => {
      this.#unreachable = error
    })
    return client
  }
}
