import { setTimeout as sleep } from 'node:timers/promises'
import { endLeftOver } from '@kvasir/redis-store'
import { ClusterTrouble } from './cluster-trouble.js'
import { isAlive, liveRecord, readRecord, removeRecord, stateFolder } from './state-folder.js'

/** Longest time a cluster takes to drain, ms. */
const WITHIN_MS = 60_000

/** Ends the cluster that is up, and says which. @throws {ClusterTrouble} when none is, or it does not end. */
export async function down(): Promise<string> {
  const folder = stateFolder()
  const record = liveRecord(folder)
  if (!record) {
    // Its supervisor was killed. Its processes have ended by themselves, for they hold its channel; a private Redis has not.
    const left = readRecord(folder)
    if (left?.redis.startsWith('unix:')) await endLeftOver(left.redis.slice('unix:'.length))
    removeRecord(folder)
    const why = left ? `: ${left.name} ended without a word; its record is removed now` : ''
    throw new ClusterTrouble(`no cluster is up${why}`)
  }
  process.kill(record.pid, 'SIGTERM')
  const deadline = performance.now() + WITHIN_MS
  while (isAlive(record.pid) && readRecord(folder)?.pid === record.pid) {
    if (performance.now() > deadline)
      throw new ClusterTrouble(
        `${record.name} (process ${record.pid}) has not stopped after ${WITHIN_MS / 1000} s`,
      )
    await sleep(50)
  }
  return `${record.name} is down`
}
