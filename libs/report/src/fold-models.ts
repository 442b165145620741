import type { ModelSeries, PreemptionMatrix, ReportInput, ReportRun, RunSeries } from './model.js'

/** As many colours as can be told apart; a seventh is grey and stands for all others. */
export const MAX_SHOWN_MODELS = 6
/** Engines of a matrix whose numbers can still be read. */
export const MAX_MATRIX_NAMES = 12

/** Which models have a colour of their own in the plots, in the order of the input; tables name all. */
export interface ShownModels {
  readonly names: readonly string[]
  readonly otherCount: number
}

/** The models that were granted or held most, over all runs, so that a model keeps its colour from plot to plot. */
export function shownModels(input: ReportInput): ShownModels {
  if (input.models.length <= MAX_SHOWN_MODELS) return { names: input.models, otherCount: 0 }
  const size = new Map(input.models.map((model) => [model, 0]))
  for (const { series } of input.runs) {
    for (const model of series.models) {
      const granted = sum(model.budgetTokensPerS) / Math.max(1, totalBudget(series))
      size.set(model.model, (size.get(model.model) ?? 0) + granted)
    }
  }
  const largest = [...size].sort((a, b) => b[1] - a[1]).slice(0, MAX_SHOWN_MODELS)
  const kept = new Set(largest.map(([model]) => model))
  const names = input.models.filter((model) => kept.has(model))
  return { names, otherCount: input.models.length - names.length }
}

/** Of several seeds the first of each policy: the others are in the comparison and in reports of their own. */
export function firstOfEachPolicy(runs: readonly ReportRun[]): readonly ReportRun[] {
  return runs.filter((run) => run === runs.find((other) => other.policy === run.policy))
}

export function othersName(otherCount: number): string {
  return `${otherCount} others`
}

/** The series of the shown models in their order, and the sum of all others behind them. */
export function foldSeries(run: ReportRun, shown: ShownModels): readonly ModelSeries[] {
  const byName = new Map(run.series.models.map((model) => [model.model, model]))
  const own = shown.names.flatMap((name) => byName.get(name) ?? [])
  const others = run.series.models.filter((model) => !shown.names.includes(model.model))
  return others.length === 0 ? own : [...own, addUp(othersName(others.length), others)]
}

function addUp(name: string, models: readonly ModelSeries[]): ModelSeries {
  const total = (pick: (model: ModelSeries) => readonly number[]) =>
    pick(models[0]).map((_, row) => sum(models.map((model) => pick(model)[row])))
  return {
    model: name,
    budgetTokensPerS: total((model) => model.budgetTokensPerS),
    leasedBundles: total((model) => model.leasedBundles),
    usedBundles: total((model) => model.usedBundles),
    queueLength: total((model) => model.queueLength),
    running: total((model) => model.running),
  }
}

/** The names that took or gave most, in their order, and one line for all others. */
export function foldMatrix(matrix: PreemptionMatrix, maxNames: number = MAX_MATRIX_NAMES): PreemptionMatrix {
  const { names, bundles } = matrix
  if (names.length <= maxNames) return matrix
  const traffic = names.map((_, i) => sum(bundles[i]) + sum(bundles.map((row) => row[i])))
  const ranked = names.map((_, i) => i).sort((a, b) => traffic[b] - traffic[a])
  const kept = new Set(ranked.slice(0, maxNames - 1))
  const groups = names.flatMap((name, i) => (kept.has(i) ? [{ name, members: [i] }] : []))
  const rest = names.map((_, i) => i).filter((i) => !kept.has(i))
  groups.push({ name: othersName(rest.length), members: rest })
  return {
    names: groups.map((group) => group.name),
    bundles: groups.map((taker) =>
      groups.map((donor) => sum(taker.members.flatMap((t) => donor.members.map((d) => bundles[t][d])))),
    ),
  }
}

function totalBudget(series: RunSeries): number {
  return sum(series.models.map((model) => sum(model.budgetTokensPerS)))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
