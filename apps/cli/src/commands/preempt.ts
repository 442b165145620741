import type { Command } from 'commander'
import { theCluster } from '../live/find-cluster.js'
import { refuseUnknown } from '../live/known-names.js'
import { type Preemption, preemptionsIn, preemptionsTable } from '../live/preemptions.js'
import { show, type ShowOptions, withShowOptions } from '../live/show.js'
import { wholeNumber } from '../simulate/flags.js'

interface PreemptOptions extends ShowOptions {
  readonly pool?: string
  readonly engine?: string
  readonly limit: string
}

/** Decisions that are looked through: rounds are most of them. */
const DECISIONS = 20_000

export function addPreemptCommand(program: Command): void {
  const preempt = program.command('preempt').summary('who asked whom for memory in the cluster that is up')
  withShowOptions(preempt.command('list').summary('the newest requests for memory, and how they ended'))
    .option('--pool <name>', 'only in this pool')
    .option('--engine <name>', 'only of this engine')
    .option('--limit <number>', 'how many', '20')
    .addHelpText('after', '\nExamples:\n  kvasir preempt list --pool left\n  kvasir explain REQUEST')
    .action((options: PreemptOptions) => show(options, () => newest(options), preemptionsTable))
}

async function newest({ pool, engine, limit }: PreemptOptions): Promise<readonly Preemption[]> {
  const most = wholeNumber('--limit', limit, 1)
  const cluster = theCluster()
  const preemptions = preemptionsIn(await cluster.decisions(DECISIONS))
  if (pool !== undefined)
    refuseUnknown(
      '--pool',
      pool,
      (await cluster.pools()).map((one) => one.pool),
    )
  // One that is gone may have asked before.
  const asked = preemptions.map((one) => one.engine)
  if (engine !== undefined && !asked.includes(engine))
    refuseUnknown('--engine', engine, [...asked, ...(await cluster.engines()).map((one) => one.engine)])
  return preemptions
    .filter(
      (one) => (pool === undefined || one.pool === pool) && (engine === undefined || one.engine === engine),
    )
    .slice(-most)
}
