import type { BudgetStatus, EngineStatus, ModelStatus, PoolStatus } from '@kvasir/contracts'
import { renderTable } from '@kvasir/report'

/** A column: its name, what it shows, and whether that is a number. */
type Column<T> = readonly [string, (row: T) => string | number]

function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  if (rows.length === 0) return 'none'
  return renderTable({
    header: columns.map(([name]) => name),
    rows: rows.map((row) => columns.map(([, cell]) => String(cell(row)))),
    align: columns.map(([, cell]) => (typeof cell(rows[0]) === 'number' ? 'right' : 'left')),
  })
}

export function modelsTable(models: readonly ModelStatus[]): string {
  return table(models, [
    ['model', ({ name }) => name],
    ['architecture', ({ architecture }) => architecture ?? '–'],
    ['weight', ({ weight }) => weight],
    ['guarantee', ({ guarantee }) => guarantee],
    ['limit', ({ limit }) => limit],
    ['priority', ({ priority }) => priority],
    ['preemptible', ({ preemptible }) => (preemptible ? 'yes' : 'no')],
    ['revision', ({ revision }) => revision],
    ['state', ({ draining }) => (draining ? 'draining' : 'serving')],
    ['engines', ({ engines }) => engines.join(', ')],
  ])
}

export function enginesTable(engines: readonly EngineStatus[]): string {
  return table(engines, [
    ['engine', ({ engine }) => engine],
    ['model', ({ model }) => model],
    ['pool', ({ pool }) => pool],
    ['state', ({ liveness }) => liveness],
    ['lease', ({ leaseBundles }) => leaseBundles],
    ['in use', ({ inUseBundles }) => inUseBundles],
    ['wants', ({ demandBundles }) => demandBundles],
    ['budget', ({ budgetTokens }) => budgetTokens],
    ['lent', ({ lentTokens }) => lentTokens],
    ['demand', ({ demandTokens }) => demandTokens],
    ['tokens so far', ({ spentTokens }) => spentTokens],
  ])
}

export function poolsTable(pools: readonly PoolStatus[]): string {
  return table(pools, [
    ['pool', ({ pool }) => pool],
    ['owner', ({ owner }) => owner ?? 'nobody'],
    ['epoch', ({ epoch }) => epoch],
    ['round', ({ round }) => round],
    ['policy', ({ policy, observeOnly }) => (observeOnly ? `${policy} (observed only)` : policy)],
    ['engines', ({ engines }) => engines],
    ['bundles', ({ bundles }) => bundles],
    ['leased', ({ leased }) => leased],
    ['free', ({ free }) => free],
    ['reclaiming', ({ reclaiming }) => reclaiming],
    ['reserved', ({ reserved }) => reserved],
    ['quarantined', ({ quarantined }) => quarantined],
    ['tokens/round', ({ capacityTokens }) => capacityTokens],
  ])
}

export function budgetsTable(budgets: readonly BudgetStatus[]): string {
  return table(budgets, [
    ['pool', ({ pool }) => pool],
    ['engine', ({ engine }) => engine],
    ['round', ({ round }) => round],
    ['tokens', ({ tokens }) => tokens],
    ['lent', ({ lentTokens }) => lentTokens],
    ['floor', ({ floor }) => floor],
    ['demand', ({ demandTokens }) => demandTokens],
  ])
}
