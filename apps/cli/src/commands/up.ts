import { logLevelSchema } from '@kvasir/contracts'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { oneOf, wholeNumber } from '../simulate/flags.js'

const logLevels = logLevelSchema.unwrap().options

interface RawUpOptions {
  readonly file?: string
  readonly redis?: string
  readonly embedded?: true
  readonly demo?: true
  readonly port: string
  readonly coordinators: string
  readonly speedUp: string
  readonly fresh?: true
  readonly log?: string
}

export function addUpCommand(program: Command): void {
  program
    .command('up')
    .summary('bring a cluster up and serve completions')
    .description(
      [
        'Starts a cluster: a gateway, coordinators, and an engine for every replica on simulated TP groups, each a process of its own that is',
        'started again when it ends. Runs until Ctrl-C or kvasir down; then it drains in order.',
        '',
        'Redis is the one of --redis or KVASIR_REDIS_URL, else a private one that keeps its data: a redis-server on the PATH, else',
        "Debian's package. Where none can be had, and with --embedded, everything runs in one process and nothing is kept.",
        '',
        'State is kept in KVASIR_STATE, or ~/.local/state/kvasir.',
      ].join('\n'),
    )
    .option('-f, --file <file>', 'cluster file, or the name of a shipped one (three-models)')
    .option('--redis <url>', 'a Redis that runs already')
    .option('--embedded', 'one process, no Redis')
    .option('--demo', "play the cluster file's workload at it, print a table and stop")
    .option('--port <number>', 'of the gateway; coordinators get the next ones; 0: any that are free', '8080')
    .option('--coordinators <number>', 'processes that share the pools', '2')
    .option('--speed-up <factor>', 'how many times faster than the modelled GPUs the groups run', '1')
    .option('--fresh', 'forget what an earlier run of this cluster kept')
    .option('--log <level>', `what processes log (${logLevels.join(', ')})`)
    .addHelpText(
      'after',
      `
Examples:
  kvasir up                          three models on two groups, at http://127.0.0.1:8080/v1
  kvasir up --demo                   also bursts of requests, and what became of them
  kvasir up -f mine.yaml --redis redis://127.0.0.1:6379`,
    )
    .action(async (options: RawUpOptions) => {
      // It brings Redis and all that; other commands start without.
      const { up } = await import('../live/up.js')
      await up({
        file: options.file,
        redis: options.redis,
        embedded: options.embedded ?? false,
        demo: options.demo ?? false,
        port: wholeNumber('--port', options.port, 0),
        coordinators: wholeNumber('--coordinators', options.coordinators, 1),
        speedUp: factor(options.speedUp),
        fresh: options.fresh ?? false,
        log: options.log === undefined ? undefined : oneOf('--log', options.log, logLevels),
      })
    })
}

function factor(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new BadInput(`--speed-up is ${JSON.stringify(text)}; it must be a number above 0`)
}
