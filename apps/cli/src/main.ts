import { Command } from 'commander'

const program = new Command('kvasir')
  .description('Lets many language models share one GPU cluster fairly')
  .version('0.1.0')

await program.parseAsync()
