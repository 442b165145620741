import type { BudgetExplanation, RequestExplanation } from '@kvasir/coordinator-core'
import { explainBudget, explainRequest } from '@kvasir/coordinator-core'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { engineRowsOf, findRequest, findRounds, type Whose } from '../decisions/decision-source.js'
import { sourceOf, timeOf } from '../decisions/options.js'

interface ExplainOptions extends Whose {
  readonly log?: string
  readonly at?: string
  readonly json?: true
}

export function addExplainCommand(program: Command): void {
  program
    .command('explain')
    .summary('say why a request for memory was answered so, or why a budget is what it is')
    .description(
      [
        'Explains a decision from its record alone: the reason, the numbers, and what would have changed it.',
        'With ID: a preemption request. With --engine or --model: the budget of the newest round, or with --log the one in force --at.',
        'Without --log: decisions of the cluster that is up.',
      ].join('\n'),
    )
    .argument('[id]', 'preemption request')
    .option('--log <file>', 'decision log (.gz too); without it, the cluster that is up')
    .option('--engine <name>', 'whose budget')
    .option('--model <name>', "the budgets of the model's engines")
    .option('--at <seconds>', 'when, from the start of the run')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  kvasir explain --model chat
  kvasir explain code@right/1/19 --log decisions.jsonl.gz
  kvasir explain --model chat --at 42.5 --log decisions.jsonl.gz`,
    )
    .action(async (id: string | undefined, options: ExplainOptions) => {
      const explanations = id === undefined ? await budgets(options) : [await request(id, options)]
      const text = options.json
        ? JSON.stringify(id === undefined ? explanations : explanations[0], undefined, 2)
        : explanations.map(({ sentences }) => sentences.join('\n')).join('\n\n')
      process.stdout.write(`${text}\n`)
    })
}

async function request(id: string, options: ExplainOptions): Promise<RequestExplanation> {
  for (const name of ['engine', 'model', 'at'] as const)
    if (options[name] !== undefined)
      throw new BadInput(`--${name} is ${options[name]}; beside the request ${id} it must be left out`)
  const { choices, end } = await findRequest(sourceOf(options), id)
  return explainRequest(choices, end)
}

async function budgets(options: ExplainOptions): Promise<readonly BudgetExplanation[]> {
  const { engine, model } = options
  if (engine === undefined && model === undefined)
    throw new BadInput(
      'what to explain is missing; it must be the ID of a preemption request, or --engine or --model',
    )
  const atUs = timeOf(options)
  const rounds = await findRounds(sourceOf(options), atUs, { engine, model })
  return rounds.flatMap((round) =>
    engineRowsOf(round, { engine, model }).map((row) => explainBudget(round, row[0])),
  )
}
