import {
  dispatchNameSchema,
  orderNameSchema,
  policyNameSchema,
  predictorNameSchema,
  preemptionNameSchema,
  sharingNameSchema,
  victimNameSchema,
} from '@kvasir/contracts'
import { clusterPresets } from '@kvasir/hardware'
import { taskEstimateNames, taskPolicyNames, taskWorkloadNames } from '@kvasir/simulation'
import { TRACE_FORMATS } from '@kvasir/workload'
import { type Command, Option } from 'commander'
import { ExitCode } from '../bad-input.js'
import { simulateFlags } from '../simulate/flags.js'
import { shippedScenarios } from '../simulate/resolve-scenario.js'
import { simulate } from '../simulate/simulate.js'
import { type RawTaskQueueOptions, taskQueueFlags } from '../simulate/task-queue/flags.js'
import { simulateQueue } from '../simulate/task-queue/simulate-queue.js'

/** `--no-trace` says nothing about `--trace FILE`: it keeps a value of its own. */
class NoTraceOption extends Option {
  override attributeName(): string {
    return 'traceFile'
  }
}

export function addSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .summary('simulate models that share a GPU cluster')
    .description(
      [
        'Simulates models that share a GPU cluster, on a real trace or a generated workload; writes a summary, a trace and a report.',
        '',
        `SCENARIO is a YAML or TOML file, or the name of a shipped scenario (${shippedScenarios().join(', ')}).`,
        'Without arguments it compares four policies on the scenario three-models.',
        'With --workload it runs tasks that queue for a whole cluster instead.',
      ].join('\n'),
    )
    .argument('[scenario]', 'scenario file or name')
    .option('--trace <file>', 'requests from this trace (.gz too)')
    .option(
      '--trace-format <format>',
      `format of the trace; recognised when left out (${TRACE_FORMATS.join(', ')})`,
    )
    .option('--model-map <pairs>', 'what model names of the trace stand for: NAME=MODEL,...')
    .option('--skip-bad-lines', 'skip and count malformed lines of the trace')
    .option('--cluster <name>', `cluster preset (${clusterPresets.join(', ')}, or <gpu>_<n>gpu)`)
    .option(
      '--policy <names>',
      `how budgets and memory are divided; several, with commas, are compared (${policyNameSchema.options.join(', ')})`,
    )
    .option(
      '--order <name>',
      `which waiting request an engine runs next (${orderNameSchema.options.join(', ')})`,
    )
    .option('--preemptive', 'the head of the queue may displace what the order places behind it')
    .option(
      '--predictor <name>',
      `output length that orders by service time expect (${predictorNameSchema.options.join(', ')})`,
    )
    .option('--max-output-tokens <n>', "what clients allow an output to have (default: the output's length)")
    .option(
      '--victim <name>',
      `which sequence an engine stops for memory (${victimNameSchema.options.join(', ')})`,
    )
    .option(
      '--preemption <name>',
      `what becomes of a stopped sequence's KV (${preemptionNameSchema.options.join(', ')})`,
    )
    .option(
      '--dispatch <name>',
      `which replica of a model takes a request (${dispatchNameSchema.options.join(', ')})`,
    )
    .option(
      '--sharing <name>',
      `what engines on one TP group share: its time, or its multiprocessors (${sharingNameSchema.options.join(', ')})`,
    )
    .option(
      '--profile <files...>',
      'GPUs that were measured (tools/calibrate), in place of what ships for them',
    )
    .option('--seed <numbers>', 'seed of everything random; several, with commas, are compared')
    .option('--requests <n>', 'requests taken at most')
    .option('--duration <seconds>', 'no request arrives after it')
    .option('--out <dir>', 'folder of the results (default: out/NAME)')
    .option('--json', 'print the summary as JSON')
    .option('--trace-detail <detail>', 'decode records in the trace: run or step (default: run)')
    .option('--trace-compat <format>', 'write a trace that another tool reads: llmsched')
    .addOption(new NoTraceOption('--no-trace', 'write neither a trace nor a decision log'))
    .option('--no-decisions', 'write no decision log (the policy uncoordinated has none: nobody decides)')
    .optionsGroup('Tasks that queue for a cluster (docs/task-queue.md):')
    .option('--workload <names>', `${taskWorkloadNames.join(', ')}, or a file with a task in each line`)
    .option('--algorithms <names>', `which task starts next (${taskPolicyNames.join(', ')})`)
    .option('--estimate <name>', `what SRPT and WSRPT go by (${taskEstimateNames.join(', ')})`)
    .option('--max-time <seconds>', 'no task starts after it (default: none; 5 as published)')
    .option('--output <file>', 'write the results to this file, as JSON')
    .option('--compat <name>', 'published: as the earlier simulator did it, mistakes included')
    .option('--dt <seconds>', 'its time step, with --compat published (default: 0.01)')
    .addHelpText(
      'after',
      `
Examples:
  kvasir simulate                                        compare policies on the shipped scenario
  kvasir simulate flood --policy uncoordinated,weighted-max-min
  kvasir simulate --order srpt --predictor learned --max-output-tokens 4096
                                                         shortest first, by lengths learned on the way
  kvasir simulate --sharing spatial --policy weighted-max-min,static
                                                         steps side by side on shares of the SMs
  kvasir simulate --trace conv.csv.gz --requests 1000    a trace on four TP-4 groups of H100s
  kvasir simulate my.yaml --seed 1,2,3 --out results     three seeds of one's own scenario
  kvasir simulate --workload discriminating --cluster h100_8gpu,h100_16gpu --output queue.json`,
    )
    .action(async (scenario: string | undefined, raw: RawTaskQueueOptions) => {
      const terminal = { out: process.stdout, notes: process.stderr }
      const queue = taskQueueFlags(scenario, raw)
      if (queue !== undefined) return simulateQueue(queue, terminal)
      const flags = simulateFlags(scenario, raw)
      const command = ['kvasir', ...process.argv.slice(2)].join(' ')
      const complete = await simulate(flags, terminal, command)
      process.exitCode = complete ? ExitCode.Ok : ExitCode.Failed
    })
}
