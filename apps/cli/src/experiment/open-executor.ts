import type { RunExecutor } from '@kvasir/experiment'
import type { QueueAddress } from '@kvasir/run-queue'
import { LocalExecutor } from './local-executor.js'

/** Who computes the runs: child processes here, or workers that listen to a Redis. */
export type Computers =
  | { readonly kind: 'here'; readonly workers: number }
  | { readonly kind: 'queue'; readonly address: QueueAddress; readonly priority: number }

/**
 * @param path folder of the results.
 * @throws {ClusterTrouble} when no Redis answers. @throws {BadInput} when `KVASIR_CODE` is no name.
 */
export async function openExecutor(computers: Computers, path: string): Promise<RunExecutor> {
  if (computers.kind === 'here') return new LocalExecutor(computers.workers)
  // BullMQ takes a third of a second to load: other commands go without.
  const { openQueue } = await import('./open-queue.js')
  return openQueue(computers, path)
}
