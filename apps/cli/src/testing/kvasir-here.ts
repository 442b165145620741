import { runCommand } from '../run-command.js'
import type { Finished, ProcessOptions } from './kvasir-process.js'

/**
 * `kvasir` in this process: what it prints and its exit code, without the second that a process takes to start. One at a time, since
 * it goes to the folder, and not for what the process itself is about: signals, kills, workers, the launcher.
 */
export async function kvasirHere(
  words: readonly string[],
  { folder, env = {} }: Omit<ProcessOptions, 'program'>,
): Promise<Omit<Finished, 'signal'>> {
  const back = process.cwd()
  const before = new Map(Object.keys({ NO_COLOR: '', ...env }).map((name) => [name, process.env[name]]))
  Object.assign(process.env, { NO_COLOR: '1', ...env })
  process.chdir(folder)
  const out = capture(process.stdout)
  const err = capture(process.stderr)
  try {
    const code = await runCommand(words)
    return { code, out: out.text(), err: err.text() }
  } finally {
    out.stop()
    err.stop()
    process.chdir(back)
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    process.exitCode = undefined
  }
}

function capture(stream: NodeJS.WriteStream): { text(): string; stop(): void } {
  const write = stream.write
  let text = ''
  stream.write = (chunk: unknown, ...rest: readonly unknown[]) => {
    text += chunk instanceof Uint8Array ? Buffer.from(chunk).toString('utf8') : String(chunk)
    const written = rest.at(-1)
    if (typeof written === 'function') written()
    return true
  }
  return { text: () => text, stop: () => (stream.write = write) }
}
