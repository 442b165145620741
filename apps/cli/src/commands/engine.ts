import type { EngineStatus } from '@kvasir/contracts'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { theCluster } from '../live/find-cluster.js'
import { refuseUnknown } from '../live/known-names.js'
import { show, type ShowOptions, withShowOptions } from '../live/show.js'
import { enginesTable } from '../live/tables.js'

interface ListOptions extends ShowOptions {
  readonly pool?: string
  readonly model?: string
}

export function addEngineCommand(program: Command): void {
  const engine = program.command('engine').summary('engines of the cluster that is up')
  withShowOptions(engine.command('list').summary('all engines, their memory and budgets'))
    .option('--pool <name>', 'only of this pool')
    .option('--model <name>', 'only of this model')
    .addHelpText('after', '\nExample:\n  kvasir engine list --pool left --watch')
    .action((options: ListOptions) => show(options, () => enginesOf(options), enginesTable))
  withShowOptions(engine.command('show <engine>').summary('one engine'))
    .addHelpText('after', '\nExample:\n  kvasir engine show chat@left')
    .action((name: string, options: ShowOptions) => show(options, () => theEngine(name), fieldsText))
}

async function enginesOf({ pool, model }: ListOptions): Promise<readonly EngineStatus[]> {
  const cluster = theCluster()
  const engines = await cluster.engines()
  // A pool or a model may be there without an engine.
  if (pool !== undefined)
    refuseUnknown(
      '--pool',
      pool,
      (await cluster.pools()).map((one) => one.pool),
    )
  if (model !== undefined)
    refuseUnknown(
      '--model',
      model,
      (await cluster.models()).map((one) => one.name),
    )
  return engines.filter(
    (engine) =>
      (pool === undefined || engine.pool === pool) && (model === undefined || engine.model === model),
  )
}

async function theEngine(name: string): Promise<EngineStatus> {
  const engines = await theCluster().engines()
  const found = engines.find(({ engine }) => engine === name)
  if (found) return found
  const names = engines.map(({ engine }) => engine).join(', ')
  throw new BadInput(
    `engine ${JSON.stringify(name)} is in no pool; ${names === '' ? 'there are none' : `it must be one of ${names}`}`,
  )
}

function fieldsText(engine: EngineStatus): string {
  const fields = Object.entries(engine)
  const width = Math.max(...fields.map(([key]) => key.length))
  return fields.map(([key, value]) => `${key.padEnd(width)}  ${value}`).join('\n')
}
