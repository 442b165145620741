import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { theCluster } from '../live/find-cluster.js'

export function addObserveCommand(program: Command): void {
  program
    .command('observe')
    .summary('only publish plans, and move nothing, in the cluster that is up')
    .description(
      'With `on`, pools publish what they would decide and move nothing. Without an argument: says which it is.',
    )
    .argument('[on|off]')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  kvasir observe on\n  kvasir observe')
    .action(async (word: string | undefined, options: { readonly json?: true }) => {
      if (word !== undefined && word !== 'on' && word !== 'off')
        throw new BadInput(`observe is ${JSON.stringify(word)}; it must be on or off`)
      const cluster = theCluster()
      if (word !== undefined) await cluster.observe(word === 'on')
      const on = await cluster.observing()
      process.stdout.write(`${options.json ? JSON.stringify({ on }) : on ? 'on' : 'off'}\n`)
    })
}
