import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '../connection.js'

/** Longest time a server takes to end once it was told to, ms: it writes its file first. */
const WITHIN_MS = 5_000

/**
 * Ends a private server that outlived the process that started it: two on one folder would write the same file.
 * @throws {Error} when there is one that does not end.
 */
export async function endLeftOver(socket: string): Promise<void> {
  if (!existsSync(socket)) return
  const connection = new Connection({ socket })
  const deadline = Date.now() + WITHIN_MS
  try {
    for (;;) {
      if (!(await answers(connection))) return
      if (Date.now() > deadline) throw new Error(`a Redis server at ${socket} answers and does not end`)
      // It answers this by closing the connection.
      await connection.run((client) => client.call('SHUTDOWN')).catch(() => undefined)
      await sleep(50)
    }
  } finally {
    connection.close()
  }
}

/** A socket without a server refuses at once; a server that is busy has a while to answer. */
async function answers(connection: Connection): Promise<boolean> {
  try {
    await connection.ready(500)
    return true
  } catch {
    return false
  }
}
