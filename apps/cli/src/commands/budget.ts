import type { BudgetStatus } from '@kvasir/contracts'
import type { Command } from 'commander'
import { theCluster } from '../live/find-cluster.js'
import { refuseUnknown } from '../live/known-names.js'
import { show, type ShowOptions, withShowOptions } from '../live/show.js'
import { budgetsTable } from '../live/tables.js'

interface BudgetOptions extends ShowOptions {
  readonly pool?: string
}

export function addBudgetCommand(program: Command): void {
  const budget = program.command('budget').summary('token budgets of the cluster that is up')
  withShowOptions(budget.command('list').summary('budgets of the newest rounds'))
    .option('--pool <name>', 'only of this pool')
    .addHelpText('after', '\nExample:\n  kvasir budget list --json')
    .action((options: BudgetOptions) => show(options, () => budgetsOf(options), budgetsTable))
  withShowOptions(budget.command('watch').summary('budgets, again and again'))
    .option('--pool <name>', 'only of this pool')
    .addHelpText('after', '\nExample:\n  kvasir budget watch --pool left')
    .action((options: BudgetOptions) =>
      show({ watch: true, ...options }, () => budgetsOf(options), budgetsTable),
    )
}

async function budgetsOf({ pool }: BudgetOptions): Promise<readonly BudgetStatus[]> {
  const cluster = theCluster()
  if (pool !== undefined)
    refuseUnknown(
      '--pool',
      pool,
      (await cluster.pools()).map((one) => one.pool),
    )
  const budgets = await cluster.budgets()
  return budgets.filter((budget) => pool === undefined || budget.pool === pool)
}
