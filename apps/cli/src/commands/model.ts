import { type ModelPatch, modelPatchSchema, modelTermsSchema, parseDocument } from '@kvasir/contracts'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { theCluster } from '../live/find-cluster.js'
import { show, type ShowOptions, withShowOptions } from '../live/show.js'
import { modelsTable } from '../live/tables.js'
import { wholeNumber } from '../simulate/flags.js'

interface TermOptions {
  readonly weight?: string
  readonly guarantee?: string
  readonly limit?: string
  readonly priority?: string
  readonly preemptible?: string
  readonly group?: string
  readonly revision?: string
  readonly json?: true
}

export function addModelCommand(program: Command): void {
  const model = program
    .command('model')
    .summary('models of the cluster that is up, and their terms')
    .description(
      'Registers models and changes their terms while the cluster serves. A change is answered when it is durable.',
    )
  addList(model)
  addSet(model)
  addAdd(model)
  addDrain(model)
  addRemove(model)
}

function addList(model: Command): void {
  const list = model
    .command('list')
    .summary('all models')
    .addHelpText('after', '\nExample:\n  kvasir model list --json')
  withShowOptions(list).action((options: ShowOptions) =>
    show(options, () => theCluster().models(), modelsTable),
  )
}

function addSet(model: Command): void {
  withTerms(model.command('set <model>').summary('change terms; what is left out stays as it is'))
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir model set chat --weight 5\n  kvasir model set report --limit 0.5 --revision 3',
    )
    .action(async (name: string, options: TermOptions) => {
      const patch = patchOf(options)
      if (Object.keys(patch).length === 0)
        throw new BadInput(
          'what to set is missing; it must be at least one of --weight, --guarantee, --limit, --priority, --preemptible, --group',
        )
      const cluster = theCluster()
      const revision = revisionOf(options) ?? (await cluster.model(name)).revision
      say(options, await cluster.patch(name, patch, revision))
    })
}

function addAdd(model: Command): void {
  withTerms(
    model.command('add <model>').summary('register a model, and say how to start an engine that serves it'),
  )
    .option('--architecture <name>', 'model in the catalogue, such as Llama-3.1-8B')
    .addHelpText(
      'after',
      '\nExample:\n  kvasir model add search --architecture Llama-3.1-8B --weight 2 --guarantee 0.1',
    )
    .action(async (name: string, options: TermOptions & { readonly architecture?: string }) => {
      if (name.trim() === '')
        throw new BadInput(`model is ${JSON.stringify(name)}; it must be the name that clients ask for`)
      const cluster = theCluster()
      const known = (await cluster.models()).find((candidate) => candidate.name === name)
      if (known && !known.draining)
        throw new BadInput(`model ${JSON.stringify(name)} is registered already; kvasir model set changes it`)
      const { architecture } = options
      const terms = { ...termsOf(options), ...(architecture === undefined ? {} : { architecture }) }
      const basis = revisionOf(options) ?? known?.revision ?? 0
      const registered = await cluster.register(name, parsed(modelTermsSchema, terms), basis)
      // One that was being drained is drained no more.
      const status = registered.draining
        ? await cluster.patch(name, { draining: false }, registered.revision)
        : registered
      say(options, status)
      if (status.engines.length === 0) process.stderr.write(nextSteps(name))
    })
}

/** Registering starts nothing: whoever runs the machines decides where. */
function nextSteps(name: string): string {
  return [
    `${name} is registered. Nothing serves it before an engine of it is started:`,
    '  1. copy the profile of an engine on the group it shall share: <state folder>/<cluster>/profiles/*.json, as kvasir up wrote it',
    `  2. in the copy, set engine to a name of its own, model.name to ${JSON.stringify(name)}, model.architecture, and http.port to 0`,
    '  3. node apps/engine/dist/main.js --profile COPY.json; the gateway finds it by itself',
    '',
  ].join('\n')
}

function addDrain(model: Command): void {
  model
    .command('drain <model>')
    .summary('let no engine of it join any more; those there finish')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  kvasir model drain report')
    .action(async (name: string, options: { readonly json?: true }) => {
      const cluster = theCluster()
      const { revision } = await cluster.model(name)
      say(options, await cluster.patch(name, { draining: true }, revision))
    })
}

function addRemove(model: Command): void {
  model
    .command('rm <model>')
    .summary('take a model that has no engines off the register')
    .addHelpText('after', '\nExample:\n  kvasir model drain report && kvasir model rm report')
    .action(async (name: string) => {
      const cluster = theCluster()
      const { revision } = await cluster.model(name)
      await cluster.remove(name, revision)
      process.stdout.write(`${name} is removed\n`)
    })
}

function withTerms(command: Command): Command {
  return command
    .option('--weight <number>', 'share of what is left over')
    .option('--guarantee <share>', 'share of a pool that is returned on demand')
    .option('--limit <share>', 'share of a pool that is never exceeded')
    .option('--priority <number>', 'higher runs first')
    .option('--preemptible <yes|no>', 'whether its work may be stopped for others')
    .option('--group <name>', 'group whose weight it shares')
    .option('--revision <number>', 'refuse unless this is the newest; the newest by default')
    .option('--json', 'print JSON')
}

function termsOf(options: TermOptions): Record<string, unknown> {
  const numbers = (['weight', 'guarantee', 'limit', 'priority'] as const).flatMap((field) => {
    const text = options[field]
    return text === undefined ? [] : [[field, numberOf(`--${field}`, text)] as const]
  })
  const { preemptible, group } = options
  return {
    ...Object.fromEntries(numbers),
    ...(preemptible === undefined ? {} : { preemptible: yesOrNo(preemptible) }),
    ...(group === undefined ? {} : { group }),
  }
}

function patchOf(options: TermOptions): ModelPatch {
  return parsed(modelPatchSchema, termsOf(options))
}

function parsed<T>(schema: Parameters<typeof parseDocument<T>>[0], document: unknown): T {
  const result = parseDocument(schema, document)
  if (result.kind === 'parsed') return result.value
  throw new BadInput(result.problems.map((problem) => `--${problem}`))
}

function revisionOf({ revision }: TermOptions): number | undefined {
  return revision === undefined ? undefined : wholeNumber('--revision', revision, 0)
}

function numberOf(option: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new BadInput(`${option} is ${JSON.stringify(text)}; it must be a number`)
}

function yesOrNo(text: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes'
  throw new BadInput(`--preemptible is ${JSON.stringify(text)}; it must be yes or no`)
}

function say(options: { readonly json?: true }, status: Parameters<typeof modelsTable>[0][number]): void {
  const text = options.json ? JSON.stringify(status, undefined, 2) : modelsTable([status])
  process.stdout.write(`${text}\n`)
}
