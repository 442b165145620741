import { spawn } from 'node:child_process'

/** Ends process `$1` when our end of its input closes without a word: that is, when we are gone, however we went. */
const SCRIPT = 'read -r _ || kill "$1"'

/**
 * Has a process ended when this one is gone: one in a process group of its own is reached by no Ctrl-C, and nobody else would end it.
 * Answers how to call it off, which must be done once the process has ended: its number may be somebody else's next.
 */
export function guard(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', SCRIPT, 'kvasir-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // It may be gone before it is told: then there is nothing to call off.
  watcher.once('error', () => undefined)
  watcher.stdin.on('error', () => undefined)
  watcher.unref()
  return () => void watcher.stdin.end('\n')
}
