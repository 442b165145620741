import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { RunAnswer } from '@kvasir/experiment'
import type { Redis } from 'ioredis'
import { outcomeKey } from './names.js'

const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** Most that one outcome may take in Redis, compressed. A summary takes some 10 KB, a drawing some 100 KB. */
export const PARCEL_BYTES_MAX = 64 * 2 ** 20
/** How long outcomes wait for an orchestrator that was killed, s. */
export const PARCEL_S = 7 * 24 * 3_600

/** What a worker has to say of a run that it has done with; a lost one is the queue's to try again. */
export type KeptAnswer = Exclude<RunAnswer, { readonly kind: 'lost' | 'returned' }>

/**
 * Lays an answer down for whoever collects it, in place of one that is too large the reason why.
 * @returns bytes it takes.
 */
export async function putAnswer(
  redis: Redis,
  runJob: string,
  answer: KeptAnswer,
  bytesMax = PARCEL_BYTES_MAX,
): Promise<number> {
  const parcel = await pack(JSON.stringify(answer))
  if (parcel.length > bytesMax) {
    const reason = `its outcome takes ${parcel.length} bytes compressed, more than the ${bytesMax} that go through Redis: keep fewer samples (samples.perRun)`
    return putAnswer(redis, runJob, { kind: 'failed', reason }, bytesMax + reason.length)
  }
  await redis.set(outcomeKey(runJob), parcel, 'EX', PARCEL_S)
  return parcel.length
}

/** Undefined when there is none any more: it expired, or Redis has forgotten it. */
export async function getAnswer(redis: Redis, runJob: string): Promise<KeptAnswer | undefined> {
  const parcel = await redis.getBuffer(outcomeKey(runJob))
  if (parcel === null) return undefined
  return JSON.parse((await unpack(parcel)).toString()) as KeptAnswer
}
