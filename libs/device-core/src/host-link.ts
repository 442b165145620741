import type { BlockCopies } from '@kvasir/contracts'
import type { TransferQueue } from '@kvasir/hardware'
import type { Bytes, Micros } from '@kvasir/kernel'

/**
 * Queues an engine's copies on the links to host memory that it shares with the group's other engines; answers when they are done. An
 * in may land where an out comes from, so the first in starts when the last out is done, as on the one stream of vLLM V0
 * (`Worker.execute_worker`: all swaps, then the model).
 */
export function queueCopies(
  link: TransferQueue,
  now: Micros,
  { outCount, inCount }: BlockCopies,
  blockBytesPerRank: Bytes,
): Micros {
  let doneUs = now
  if (outCount > 0) {
    doneUs = link.add(now, { direction: 'out', bytesPerRank: outCount * blockBytesPerRank }).endUs
  }
  if (inCount > 0) {
    const { startUs, endUs } = link.add(now, { direction: 'in', bytesPerRank: inCount * blockBytesPerRank })
    doneUs = Math.max(endUs, doneUs + endUs - startUs)
  }
  return doneUs
}
