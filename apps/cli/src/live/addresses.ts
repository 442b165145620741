import { createServer } from 'node:net'
import type { ClusterPlan } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { ClusterTrouble } from './cluster-trouble.js'

/** Where each part of a cluster listens. Ports stay the same when a process is started again. */
export interface Addresses {
  readonly gateway: number
  /** By name of the process. */
  port(name: string): number
}

/** Names of a cluster's processes, in the order in which they are listed. */
export function processNames(plan: ClusterPlan, coordinators: number) {
  return {
    coordinators: Array.from({ length: coordinators }, (_, i) => `coordinator-${i + 1}`),
    groups: plan.pools.map(({ id }) => `group-${id}`),
    engines: plan.engines.map(({ id }) => id),
  }
}

const HIGHEST_PORT = 65_535

/** @throws {BadInput} for ports that do not exist. */
export function refusePort({
  port,
  coordinators,
}: {
  readonly port: number
  readonly coordinators: number
}): void {
  const highest = HIGHEST_PORT - coordinators
  if (port > highest)
    throw new BadInput(
      `--port is ${port}; it must be at most ${highest}: the ports after it are those of ${coordinators} coordinators`,
    )
}

/**
 * The gateway at `gateway`, the coordinators at the ports after it, the others wherever there is room. With 0, all of them.
 * @throws {ClusterTrouble} when one is taken.
 */
export async function chooseAddresses(
  gateway: number,
  coordinators: readonly string[],
  others: readonly string[],
): Promise<Addresses> {
  const held = new Map<string, Held>()
  try {
    held.set('gateway', await hold(gateway))
    for (const [i, name] of coordinators.entries())
      held.set(name, await hold(gateway === 0 ? 0 : gateway + 1 + i))
    for (const name of others) held.set(name, await hold(0))
  } finally {
    // Held all at once, so that no two are the same.
    await Promise.all([...held.values()].map(({ release }) => release()))
  }
  const ports = new Map([...held].map(([name, { port }]) => [name, port]))
  return { gateway: ports.get('gateway') ?? 0, port: (name) => ports.get(name) ?? 0 }
}

interface Held {
  readonly port: number
  release(): Promise<void>
}

function hold(port: number): Promise<Held> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new ClusterTrouble(`port ${port} cannot be used (${error.message}); choose others with --port N`),
      ),
    )
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const release = () => new Promise<void>((released) => server.close(() => released()))
      resolve({ port: typeof address === 'object' && address !== null ? address.port : port, release })
    })
  })
}
