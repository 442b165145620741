import { createHash } from 'node:crypto'
import { type CaseResult, replayCase } from '@kvasir/scheduler'
import type { Command } from 'commander'
import { ExitCode } from '../bad-input.js'
import { readGoldenCase } from '../input/golden-case.js'

export function addVerifyCommand(program: Command): void {
  const verify = program.command('verify').summary('check against decisions recorded elsewhere')
  verify
    .command('scheduler')
    .summary('replay recorded cases of the vLLM V1 scheduler')
    .description(
      'Replays cases of `golden/vllm` format (json, or gzip) through the scheduler that engines run, and compares every\ndecision, every physical block and the final free queue. Prints a line a case and the first difference.',
    )
    .argument('<files...>', 'case files')
    .option('--json', 'print the results as JSON')
    .action((files: readonly string[], options: { readonly json?: true }) => {
      const results = files.map((path) => replayCase(readGoldenCase(path), sha256))
      process.stdout.write(options.json ? `${JSON.stringify(results, undefined, 2)}\n` : textOf(results))
      if (results.some((result) => !result.matched)) process.exitCode = ExitCode.Failed
    })
}

function textOf(results: readonly CaseResult[]): string {
  const passed = results.filter((result) => result.matched).length
  const lines = results.flatMap((result) => {
    const word = (matches: boolean) => (matches ? 'match' : 'DIFFER')
    const line = `${result.matched ? 'ok  ' : 'FAIL'} ${result.name}: ${result.steps} steps, decisions ${word(result.decisionsMatch)}, blocks ${word(result.blocksMatch)}`
    const difference = result.firstDifference
    if (!difference) return [line]
    const where =
      difference.step === undefined ? difference.what : `step ${difference.step}, ${difference.what}`
    return [
      line,
      `     first at ${where}`,
      `     expected ${difference.expected}`,
      `     actual   ${difference.actual}`,
    ]
  })
  return `${lines.join('\n')}\n${passed} passed, ${results.length - passed} failed\n`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
