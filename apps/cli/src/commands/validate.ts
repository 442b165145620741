import type { Command } from 'commander'
import { ExitCode } from '../bad-input.js'
import { writeServingTable } from '../validate/accuracy-document.js'
import { accuracyText } from '../validate/accuracy-text.js'
import { defaultMeasuredFolder, MeasuredFolder } from '../validate/measured-folder.js'
import { missesCeiling } from '../validate/serving-accuracy.js'
import { validateServing } from '../validate/validate-serving.js'
import { validateTables } from '../validate/validate-tables.js'

interface RawOptions {
  readonly data?: string
  readonly kernels: boolean
  readonly serving: boolean
  readonly markdown?: string
  readonly json?: true
}

export function addValidateCommand(program: Command): void {
  program
    .command('validate')
    .summary('compare predictions with measurements of others')
    .description(
      [
        'Predicts what others have measured on real GPUs and says how far off it is: single kernels, whole steps, and serving end to',
        'end by the scheduler in the simulator. A table a measured set: points, mean absolute error, median, bias, p90, worst point,',
        'and whether its numbers were fitted to or held out. Ends with exit code 1 when a ceiling is missed; aims may be.',
      ].join('\n'),
    )
    .option('--data <dir>', 'folder of the measured tables; ../shared/data/profiles by default')
    .option('--no-kernels', 'leave out kernels and steps')
    .option('--no-serving', 'leave out serving')
    .option('--markdown <file>', 'write the table of serving into this document, between its marks')
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir validate\n  kvasir validate --data ../shared/data/profiles --no-kernels\n  kvasir validate --no-kernels --markdown docs/accuracy.md',
    )
    .action((options: RawOptions) => {
      const folder = new MeasuredFolder(options.data ?? defaultMeasuredFolder())
      const progress = (line: string) => process.stderr.write(`${line}\n`)
      const serving = options.serving ? validateServing(folder, progress) : []
      const reports = [...(options.kernels ? validateTables(folder, progress) : []), ...serving]
      if (options.markdown !== undefined) writeServingTable(options.markdown, serving)
      process.stdout.write(
        options.json ? `${JSON.stringify(reports, undefined, 2)}\n` : accuracyText(reports),
      )
      if (reports.some(missesCeiling)) process.exitCode = ExitCode.Failed
    })
}
