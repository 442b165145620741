import { OperationalError } from '@kvasir/event-log'
import { CommanderError } from 'commander'
import { BadInput, ExitCode } from './bad-input.js'
import { ClusterTrouble } from './live/cluster-trouble.js'
import { createProgram } from './program.js'

const program = createProgram()
try {
  if (process.argv.length <= 2) program.outputHelp()
  else await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
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
