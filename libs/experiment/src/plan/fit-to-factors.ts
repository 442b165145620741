import { type ExperimentSpec, type FactorSpec, levelName, type RecordedSpec } from '@kvasir/contracts'

type Levels = ReadonlyMap<string, readonly string[]>

/** The experiment without what its comparisons and records say of levels that its factors do not have (any more). */
export function fitToFactors<T extends Pick<ExperimentSpec, 'factors' | 'comparisons' | 'recorded'>>(
  spec: T,
): T {
  const levels: Levels = new Map(spec.factors.map(({ name, values }) => [name, values.map(levelName)]))
  const has = (factor: string, level: string | number | boolean) =>
    levels.get(factor)?.includes(String(level)) ?? false
  const comparisons = spec.comparisons.flatMap((comparison) => {
    const against = comparison.against?.filter((level) => has(comparison.factor, level))
    if (!has(comparison.factor, comparison.subject) || against?.length === 0) return []
    return [against === undefined ? comparison : { ...comparison, against }]
  })
  const recorded = spec.recorded.flatMap(({ over, ...record }): RecordedSpec[] => {
    const rows = record.rows.filter((row) => record.by.every((factor, i) => has(factor, row[i])))
    if (rows.length === 0) return []
    return [{ ...record, rows, ...(over !== undefined && has(over.factor, over.level) ? { over } : {}) }]
  })
  return { ...spec, comparisons, recorded }
}

/** The experiment without the levels that `isMissing` names; factors without any level left are gone as a whole. */
export function withoutLevels(
  spec: ExperimentSpec,
  isMissing: (value: FactorSpec['values'][number]) => boolean,
): ExperimentSpec {
  const factors = spec.factors
    .map((factor) => ({ ...factor, values: factor.values.filter((value) => !isMissing(value)) }))
    .filter(({ values }) => values.length > 0)
  return fitToFactors({ ...spec, factors })
}
