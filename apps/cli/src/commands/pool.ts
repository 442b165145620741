import type { Command } from 'commander'
import { theCluster } from '../live/find-cluster.js'
import { show, type ShowOptions, withShowOptions } from '../live/show.js'
import { enginesTable, poolsTable } from '../live/tables.js'

export function addPoolCommand(program: Command): void {
  const pool = program.command('pool').summary('pools of the cluster that is up')
  withShowOptions(pool.command('list').summary('all pools: who owns them, and where their bundles are'))
    .addHelpText('after', '\nExample:\n  kvasir pool list')
    .action((options: ShowOptions) => show(options, () => theCluster().pools(), poolsTable))
  withShowOptions(pool.command('top').summary('pools and their engines, again and again'))
    .addHelpText('after', '\nExample:\n  kvasir pool top --watch 0.5')
    .action((options: ShowOptions) => show({ watch: true, ...options }, top, topText))
}

async function top() {
  const cluster = theCluster()
  const [pools, engines] = await Promise.all([cluster.pools(), cluster.engines()])
  return { pools, engines }
}

function topText({ pools, engines }: Awaited<ReturnType<typeof top>>): string {
  return `${poolsTable(pools)}\n\n${enginesTable(engines)}`
}
