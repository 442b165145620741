import { OperationalError } from '@kvasir/event-log'
import { CommanderError } from 'commander'
import { BadInput, ExitCode } from './bad-input.js'
import { ClusterTrouble } from './live/cluster-trouble.js'
import { createProgram } from './program.js'

/** The whole command. @param words as they follow `kvasir`. @returns the exit code; it never throws. */
export async function runCommand(words: readonly string[]): Promise<number> {
  const program = createProgram()
  try {
    if (words.length === 0) program.outputHelp()
    else await program.parseAsync(words, { from: 'user' })
    // Commands say so themselves when they have failed.
    return Number(process.exitCode ?? ExitCode.Ok)
  } catch (error) {
    return report(error)
  }
}

/** The one place where errors become words on standard error and an exit code. */
function report(error: unknown): number {
  // Commander has printed its message, or the help or the version that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Ok : ExitCode.BadInput
  if (error instanceof BadInput) {
    for (const problem of error.problems) process.stderr.write(`kvasir: ${problem}\n`)
    return ExitCode.BadInput
  }
  if (error instanceof OperationalError || error instanceof ClusterTrouble)
    process.stderr.write(`kvasir: ${error.message}\n`)
  else
    process.stderr.write(
      `kvasir: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
  return ExitCode.Failed
}
