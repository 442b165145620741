import { dispatchNameSchema, orderNameSchema, policyNameSchema, victimNameSchema } from '@kvasir/contracts'
import { clusterPresets } from '@kvasir/hardware'
import { TRACE_FORMATS } from '@kvasir/workload'
import { type Command, Option } from 'commander'
import { ExitCode } from '../bad-input.js'
import { type RawSimulateOptions, simulateFlags } from '../simulate/flags.js'
import { shippedScenarios } from '../simulate/resolve-scenario.js'
import { simulate } from '../simulate/simulate.js'

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
    .option(
      '--victim <name>',
      `which sequence an engine stops for memory (${victimNameSchema.options.join(', ')})`,
    )
    .option(
      '--dispatch <name>',
      `which replica of a model takes a request (${dispatchNameSchema.options.join(', ')})`,
    )
    .option('--seed <numbers>', 'seed of everything random; several, with commas, are compared')
    .option('--requests <n>', 'requests taken at most')
    .option('--duration <seconds>', 'no request arrives after it')
    .option('--out <dir>', 'folder of the results (default: out/NAME)')
    .option('--json', 'print the summary as JSON')
    .option('--trace-detail <detail>', 'decode records in the trace: run or step (default: run)')
    .option('--trace-compat <format>', 'write a trace that another tool reads: llmsched')
    .addOption(new NoTraceOption('--no-trace', 'write no trace'))
    .addHelpText(
      'after',
      `
Examples:
  kvasir simulate                                        compare policies on the shipped scenario
  kvasir simulate flood --policy uncoordinated,weighted-max-min
  kvasir simulate --trace conv.csv.gz --requests 1000    a trace on four TP-4 groups of H100s
  kvasir simulate my.yaml --seed 1,2,3 --out results     three seeds of one's own scenario`,
    )
    .action(async (scenario: string | undefined, raw: RawSimulateOptions) => {
      const flags = simulateFlags(scenario, raw)
      const command = ['kvasir', ...process.argv.slice(2)].join(' ')
      const terminal = { out: process.stdout, notes: process.stderr }
      const complete = await simulate(flags, terminal, command)
      process.exitCode = complete ? ExitCode.Ok : ExitCode.Failed
    })
}
