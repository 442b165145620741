import type { Command } from 'commander'
import { statusOf, statusText } from '../live/status.js'
import { show, type ShowOptions, withShowOptions } from '../live/show.js'

export function addStatusCommand(program: Command): void {
  const command = program
    .command('status')
    .summary('what is up')
    .description('Processes of the cluster that is up, whether they are ready, and its pools.')
    .addHelpText('after', '\nExample:\n  kvasir status --watch')
  withShowOptions(command).action((options: ShowOptions) => show(options, statusOf, statusText))
}
