import type { Command } from 'commander'

export function addDownCommand(program: Command): void {
  program
    .command('down')
    .summary('end the cluster that is up')
    .description('Tells the cluster that is up to drain and stop, and waits for it.')
    .addHelpText('after', '\nExample:\n  kvasir down')
    .action(async () => {
      const { down } = await import('../live/down.js')
      process.stdout.write(`${await down()}\n`)
    })
}
