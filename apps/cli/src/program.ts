import { Command } from 'commander'
import { addBenchCommand } from './commands/bench.js'
import { addPlanCommand } from './commands/plan.js'
import { addExplainCommand } from './commands/explain.js'
import { addReplayCommand } from './commands/replay.js'
import { addSimulateCommand } from './commands/simulate.js'
import { addVerifyCommand } from './commands/verify.js'
import { addWhatIfCommand } from './commands/what-if.js'

/** The whole command. Each subcommand lives in a file of its own in `commands/`. */
export function createProgram(): Command {
  const program = new Command('kvasir')
    .description('Lets many language models share one GPU cluster fairly')
    .version('0.1.0')
    .showHelpAfterError('(kvasir --help shows how)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  kvasir simulate                     three models on two groups of H100s, four policies compared
  kvasir simulate --trace FILE        a real request trace on sixteen H100s
  kvasir plan preemption --input FILE who would have to give, on a snapshot of a pool
  kvasir simulate --help              everything that can be set`,
    )
  addSimulateCommand(program)
  addPlanCommand(program)
  addBenchCommand(program)
  addVerifyCommand(program)
  addReplayCommand(program)
  addExplainCommand(program)
  addWhatIfCommand(program)
  return program
}
