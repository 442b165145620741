import { policyNameSchema } from '@kvasir/contracts'
import type { Command } from 'commander'
import { theCluster } from '../live/find-cluster.js'
import { oneOf } from '../simulate/flags.js'

export function addPolicyCommand(program: Command): void {
  program
    .command('policy')
    .summary('how budgets and memory are divided in the cluster that is up')
    .description('Says by which policy the pools divide, or changes it.')
    .argument('[name]', `one of ${policyNameSchema.options.join(', ')}`)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  kvasir policy\n  kvasir policy proportional')
    .action(async (name: string | undefined, options: { readonly json?: true }) => {
      const wanted = name === undefined ? undefined : oneOf('policy', name, policyNameSchema.options)
      const cluster = theCluster()
      if (wanted !== undefined) await cluster.setPolicy(wanted, (await cluster.policy()).revision)
      const now = await cluster.policy()
      process.stdout.write(`${options.json ? JSON.stringify(now) : now.policy}\n`)
    })
}
