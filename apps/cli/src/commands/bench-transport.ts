import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'

export function addTransportBench(bench: Command): void {
  bench
    .command('transport')
    .summary('microseconds Nest adds to a message')
    .description(
      'Measures the way of a letter from its text in the store to the input of a pool owner’s machine: read by its schema\nalone, and handed to its handler by Nest as coordinators do. 4,096 letters at a time, 15 times in turns; medians.',
    )
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir bench transport\n  kvasir bench transport --json > transport.json',
    )
    .action(async (options: { readonly json?: true }) => {
      // Nest is loaded here alone: other commands shall not wait for it.
      const { transportBench } = await import('../bench/transport-bench.js')
      const result = await transportBench()
      const { readUs, handledUs, nestUs, barUs, decisionsPerSecond, coreShare } = result
      const text = renderTable({
        header: ['a letter', 'us', 'bar us', ''],
        align: ['left', 'right', 'right', 'left'],
        rows: [
          ['read by its schema', readUs.toFixed(1), '', ''],
          ['read and handled', handledUs.toFixed(1), '', ''],
          ['so Nest adds', nestUs.toFixed(1), String(barUs), nestUs <= barUs ? 'kept' : 'missed'],
        ],
      })
      const share = `At ${decisionsPerSecond.toLocaleString('en')} letters a second that is ${(100 * coreShare).toFixed(1)} % of a core.\n`
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : `${text}\n${share}`)
    })
}
