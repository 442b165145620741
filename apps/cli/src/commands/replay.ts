import { OperationalError, TextFileWriter } from '@kvasir/event-log'
import type { Command } from 'commander'
import { BadInput, ExitCode } from '../bad-input.js'
import { replayLog, type ReplayResult } from '../decisions/replay-log.js'

interface ReplayOptions {
  readonly json?: true
  readonly output?: string
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .summary('take the decisions of a log again and compare')
    .description(
      [
        'Reads a decision log, checks its chain of hashes, takes every decision again from what its record says it was made',
        'from, writes the log anew and compares byte for byte. Names the first difference: its place, what the log says',
        '(expected) and what recomputing gives (actual).',
        '',
        'Exit code 0: the same bytes; 1: a difference, a torn line or a log that was not closed; 2: no decision log.',
      ].join('\n'),
    )
    .argument('<log>', 'decision log (.gz too), such as decisions.jsonl.gz of kvasir simulate')
    .option('--output <file>', 'write the regenerated log (packed when it ends in .gz)')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  kvasir replay out/three-models/weighted-max-min/decisions.jsonl.gz
  kvasir replay log.jsonl --output again.jsonl && cmp log.jsonl again.jsonl`,
    )
    .action(async (log: string, options: ReplayOptions) => {
      const result = await replay(log, options.output)
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : textOf(result))
      if (!result.sameBytes) process.exitCode = ExitCode.Failed
    })
}

/** @throws {BadInput} for what is no decision log, before anything is written. */
async function replay(log: string, output: string | undefined): Promise<ReplayResult> {
  let file: TextFileWriter | undefined
  const write = (text: string) => {
    if (output === undefined) return
    file ??= new TextFileWriter(output, { gzip: output.endsWith('.gz') })
    file.write(`${text}\n`)
  }
  try {
    return await replayLog(log, write)
  } catch (error) {
    if (error instanceof OperationalError && file === undefined) throw new BadInput(error.message)
    throw error
  } finally {
    file?.close()
  }
}

function textOf(result: ReplayResult): string {
  const { log, decisions, identical, byKind, chainBreaks, complete, head, firstDifference } = result
  const { round, donors, end } = byKind
  const chain = chainBreaks === 0 ? 'chain intact' : `chain broken at ${count(chainBreaks)} lines`
  const lines = [
    `${result.sameBytes ? 'ok  ' : 'FAIL'} ${log}`,
    `     ${count(decisions)} decisions, ${count(identical)} identical (${count(round)} rounds, ${count(donors)} choices of donors, ${count(end)} ends of requests)`,
    `     ${chain}, ${complete ? 'closed' : 'not closed'}, ${result.sameBytes ? 'same bytes' : 'other bytes'}, head ${head}`,
  ]
  if (firstDifference !== null) {
    const { line, seq, field, expected, actual } = firstDifference
    lines.push(
      `     first difference at seq ${seq} (line ${line}), ${field}`,
      `     expected ${shown(expected)}`,
      `     actual   ${shown(actual)}`,
    )
  }
  return `${lines.join('\n')}\n`
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function shown(value: unknown): string {
  return value === undefined ? '(nothing)' : JSON.stringify(value)
}
