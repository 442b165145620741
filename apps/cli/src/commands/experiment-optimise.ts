import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { newResultPath } from '../experiment/result-path.js'
import { runExperiment } from '../experiment/run-experiment.js'
import {
  computersOption,
  finish,
  found,
  type RawOptions,
  withComputers,
  withExecutor,
  withSpecOptions,
} from './experiment-options.js'

const HELP = `
What to look for is in the specification's section \`search\` (infra/experiments/README.md): the smallest or the largest setting of
an axis that meets goals, by bisection, or the best of many candidates, by successive halving; for every combination of the factors.
A search that was stopped or killed goes on with kvasir experiment resume.

Examples:
  kvasir experiment optimise smallest-cluster                  the fewest groups of GPUs that keep the SLOs, for each policy
  kvasir experiment optimise smallest-cluster --small          a quick version of it
  kvasir experiment optimise smallest-cluster --goal 0.9       with a lower goal
  kvasir experiment optimise my.yaml --redis redis://queue:6379 --json
  kvasir experiment resume smallest-cluster                    goes on with the latest one`

/** `kvasir experiment optimise`: looks for a setting in place of running all of them. */
export function addExperimentOptimise(experiment: Command): void {
  withComputers(
    withSpecOptions(
      experiment
        .command('optimise <experiment>')
        .summary('find the smallest cluster, the largest load, the best weights'),
    ),
  )
    .option('--goal <number>', 'what the first goal has to reach, in place of the specification’s')
    .option('--out <dir>', 'folder of the results (default: results/NAME/STAMP)')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', HELP)
    .action(async (name: string, raw: RawOptions) => {
      const computers = computersOption(raw)
      const experiment = found(name, raw)
      const { spec, search } = experiment
      if (search === undefined)
        throw new BadInput(
          `${name}: has no section search, so that there is nothing to look for; kvasir experiment run ${name} runs it`,
        )
      const path = raw.out ?? newResultPath(spec.name, new Date())
      const written = await withExecutor(computers, path, (executor) =>
        runExperiment(experiment, path, executor),
      )
      finish(written, raw)
    })
}
