import type { RunSeries } from './model.js'

/** Points of a line that a plot can show; more only make the file larger. */
export const MAX_POINTS = 400

/** Joins neighbouring rows, the same number each time, until at most `maxRows` are left; values become their means. */
export function downSample(series: RunSeries, maxRows: number = MAX_POINTS): RunSeries {
  const size = Math.ceil(series.timeUs.length / maxRows)
  if (size <= 1) return series
  const means = (values: readonly number[]) => groupMeans(values, size)
  return {
    timeUs: series.timeUs.filter((_, row) => row % size === 0),
    endUs: series.endUs,
    models: series.models.map((model) => ({
      model: model.model,
      budgetTokensPerS: means(model.budgetTokensPerS),
      leasedBundles: means(model.leasedBundles),
      usedBundles: means(model.usedBundles),
      queueLength: means(model.queueLength),
      running: means(model.running),
    })),
    pools: series.pools.map((pool) => ({ pool: pool.pool, utilisation: means(pool.utilisation) })),
  }
}

export function groupMeans(values: readonly number[], size: number): number[] {
  const means: number[] = []
  for (let from = 0; from < values.length; from += size) {
    const group = values.slice(from, from + size)
    means.push(group.reduce((sum, value) => sum + value, 0) / group.length)
  }
  return means
}

/** At most `maxPoints` of a list, evenly spread, the first and the last always. */
export function thin<T>(points: readonly T[], maxPoints: number = MAX_POINTS): readonly T[] {
  if (points.length <= maxPoints) return points
  const step = (points.length - 1) / (maxPoints - 1)
  return Array.from({ length: maxPoints }, (_, i) => points[Math.round(i * step)])
}
