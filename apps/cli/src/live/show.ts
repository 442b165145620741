import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'

export interface ShowOptions {
  readonly json?: true
  /** Seconds between two looks; true: the default. */
  readonly watch?: string | true
}

const WATCH_S = 1

/** Adds the options of everything that can be looked at. */
export function withShowOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON, one document a look')
    .option('--watch [seconds]', `look again and again, every second unless told otherwise`)
}

/**
 * Prints what `look` finds, once or until Ctrl-C: a table for people, JSON for programs.
 * @throws {BadInput} for a wrong --watch, and what `look` throws.
 */
export async function show<T>(
  { json, watch }: ShowOptions,
  look: () => Promise<T>,
  text: (found: T) => string,
): Promise<void> {
  const everyS = watch === undefined ? undefined : secondsOf(watch)
  for (;;) {
    const found = await look()
    if (json)
      process.stdout.write(`${JSON.stringify(found, undefined, everyS === undefined ? 2 : undefined)}\n`)
    else process.stdout.write(`${everyS === undefined || !process.stdout.isTTY ? '' : CLEAR}${text(found)}\n`)
    if (everyS === undefined) return
    await sleep(1000 * everyS)
  }
}

/** Cursor to the top, and nothing below it. */
const CLEAR = '\u001b[H\u001b[J'

function secondsOf(watch: string | true): number {
  if (watch === true) return WATCH_S
  const seconds = Number(watch)
  if (Number.isFinite(seconds) && seconds >= 0.1) return seconds
  throw new BadInput(`--watch is ${JSON.stringify(watch)}; it must be a number of seconds of at least 0.1`)
}
