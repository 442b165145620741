import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { engineRowsOf, findRequest, findRounds, type Whose } from '../decisions/decision-source.js'
import { type Edit, parseEdit } from '../decisions/edit-record.js'
import { type Imagined, imagineRequest, imagineRounds } from '../decisions/imagine.js'
import { imaginedJson } from '../decisions/imagined-json.js'
import { imaginedText } from '../decisions/imagined-text.js'
import { sourceOf, timeOf } from '../decisions/options.js'

interface WhatIfOptions extends Whose {
  readonly log?: string
  readonly id?: string
  readonly at?: string
  readonly set?: readonly string[]
  readonly json?: true
}

export function addWhatIfCommand(program: Command): void {
  program
    .command('what-if')
    .summary('take a recorded decision again on an edited copy')
    .description(
      [
        'Takes a recorded decision again with something changed, by the same function, and prints both answers. One decision, not',
        'what would have followed from it: simulate that.',
        '',
        '--set NAME.FIELD=VALUE changes a copy; NAME is an engine, a model, `engine` (the one asked about), `pool`, and for a',
        'request also `request` or `policy`. A round: weight, guarantee, limit (shares of the pool), demandTokens, liveness, ... A',
        'request: guarantee, limit, entitlement, leased, inUse (bundles), preemptible, protected, ...; weight divides the shares anew.',
      ].join('\n'),
    )
    .option(
      '--log <file>',
      'decision log (.gz too); without it, the newest decisions of the cluster that is up',
    )
    .option('--id <request>', 'a preemption request')
    .option('--at <seconds>', 'of a log: the rounds in force at this time')
    .option('--engine <name>', 'only the pool of this engine; `engine` in --set means it')
    .option('--model <name>', 'only the pools of this model; `engine` in --set means its engines')
    .option('--set <change...>', 'NAME.FIELD=VALUE; several are applied in order')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  kvasir what-if --set chat.weight=3
  kvasir what-if --log decisions.jsonl.gz --at 42.5 --set chat.weight=3
  kvasir what-if --log decisions.jsonl.gz --at 42.5 --set pool.policy=proportional
  kvasir what-if --log decisions.jsonl.gz --id code@right/1/19 --set request.priority=2`,
    )
    .action(async (options: WhatIfOptions) => {
      const imagined = await imagine(options)
      const text = options.json
        ? JSON.stringify(imagined.map(imaginedJson), undefined, 2)
        : imagined.map(imaginedText).join('\n\n')
      process.stdout.write(`${text}\n`)
    })
}

async function imagine(options: WhatIfOptions): Promise<readonly Imagined[]> {
  const { id, engine, model } = options
  const edits = (options.set ?? []).map(parseEdit)
  if (edits.length === 0)
    throw new BadInput('--set is missing; it must be NAME.FIELD=VALUE, such as chat.weight=3')
  if (id !== undefined) {
    for (const name of ['at', 'engine', 'model'] as const)
      if (options[name] !== undefined)
        throw new BadInput(`--${name} is ${options[name]}; beside --id ${id} it must be left out`)
    return imagineRequest(await findRequest(sourceOf(options), id), edits)
  }
  const whose = { engine, model }
  refuseNobody(edits, whose)
  const atUs = timeOf(options)
  const rounds = await findRounds(sourceOf(options), atUs, whose)
  const everybody = engine === undefined && model === undefined
  const asked = everybody ? [] : rounds.flatMap((round) => engineRowsOf(round, whose).map((row) => row[0]))
  return imagineRounds(rounds, edits, new Set(asked))
}

function refuseNobody(edits: readonly Edit[], { engine, model }: Whose): void {
  const edit = edits.find(({ target }) => target === 'engine')
  if (edit !== undefined && engine === undefined && model === undefined)
    throw new BadInput(`--set ${edit.text}: which engine is missing; it must come with --engine or --model`)
}
