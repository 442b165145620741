import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** How a Redis server is started: what to run, as what, and with which libraries. */
export interface RedisProgram {
  readonly path: string
  /** Name it is run under: Debian's package has one program for server and tools, told apart by their names. */
  readonly name: string
  readonly libraries?: string
  /** Where it was found, for people. */
  readonly source: string
}

/** A Redis or Valkey server on the PATH, if there is one. */
export function redisOnPath(path: string = process.env['PATH'] ?? ''): RedisProgram | undefined {
  for (const folder of path.split(delimiter)) {
    for (const name of ['redis-server', 'valkey-server']) {
      const program = join(folder, name)
      if (folder !== '' && isExecutable(program)) return { path: program, name, source: program }
    }
  }
  return undefined
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
