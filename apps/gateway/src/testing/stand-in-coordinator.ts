import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Listed {
  readonly engine: string
  readonly model: string
  readonly url?: string
}

/** Of a coordinator, what the gateway asks it. */
export class StandInCoordinator {
  engines: readonly Listed[] = []
  models: readonly string[] = []
  /** Whether its store answers. */
  ready = true
  /** Lists of engines asked for. */
  asked = 0
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      if (request.url === '/v1/engines') this.asked++
      const body =
        request.url === '/v1/engines'
          ? { engines: this.engines.map((engine) => ({ ...engine, pool: 'left', liveness: 'live' })) }
          : { models: this.models.map((name) => ({ name, weight: 1 })) }
      response.writeHead(this.ready ? 200 : 503, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  }

  static async start(): Promise<StandInCoordinator> {
    const coordinator = new StandInCoordinator()
    await new Promise<void>((resolve) => coordinator.#server.listen(0, '127.0.0.1', resolve))
    return coordinator
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
