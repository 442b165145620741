import { Command } from 'commander'
import { addBenchCommand } from './commands/bench.js'
import { addPlanCommand } from './commands/plan.js'
import { addCatalogCommand } from './commands/catalog.js'
import { addBudgetCommand } from './commands/budget.js'
import { addCompletionCommand } from './commands/completion.js'
import { addDownCommand } from './commands/down.js'
import { addEngineCommand } from './commands/engine.js'
import { addModelCommand } from './commands/model.js'
import { addObserveCommand } from './commands/observe.js'
import { addPolicyCommand } from './commands/policy.js'
import { addPoolCommand } from './commands/pool.js'
import { addPreemptCommand } from './commands/preempt.js'
import { addStatusCommand } from './commands/status.js'
import { addUpCommand } from './commands/up.js'
import { addExperimentCommand } from './commands/experiment.js'
import { addExplainCommand } from './commands/explain.js'
import { addPredictCommand } from './commands/predict.js'
import { addReplayCommand } from './commands/replay.js'
import { addSimulateCommand } from './commands/simulate.js'
import { addValidateCommand } from './commands/validate.js'
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
  kvasir up                           a live cluster of three models, at one OpenAI-compatible address
  kvasir up --demo                    the same under bursts of requests, ending with a table
  kvasir simulate                     three models on two groups of H100s, four policies compared
  kvasir simulate --trace FILE        a real request trace on sixteen H100s
  kvasir experiment run coordination  a question answered by many simulations, with error bars
  kvasir plan preemption --input FILE who would have to give, on a snapshot of a pool
  kvasir simulate --help              everything that can be set`,
    )
  addUpCommand(program)
  addDownCommand(program)
  addStatusCommand(program)
  addModelCommand(program)
  addEngineCommand(program)
  addPoolCommand(program)
  addBudgetCommand(program)
  addPreemptCommand(program)
  addPolicyCommand(program)
  addObserveCommand(program)
  addSimulateCommand(program)
  addExperimentCommand(program)
  addPlanCommand(program)
  addPredictCommand(program)
  addCatalogCommand(program)
  addValidateCommand(program)
  addBenchCommand(program)
  addVerifyCommand(program)
  addReplayCommand(program)
  addExplainCommand(program)
  addWhatIfCommand(program)
  addCompletionCommand(program)
  return program
}
