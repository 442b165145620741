import type { ExperimentReport } from './model.js'

/** How the factors of an experiment are laid out in plots. */
export interface Axes {
  /** Its levels are numbers: along the x axis. */
  readonly x: FactorAxis | undefined
  /** A line each; those that the first comparison is about, else the first that is left. */
  readonly line: FactorAxis | undefined
  /** A plot for each combination of the others. */
  readonly others: readonly FactorAxis[]
}

export interface FactorAxis {
  readonly name: string
  readonly levels: readonly string[]
  /** Place among the experiment's factors. */
  readonly index: number
}

export function axesOf({ plan }: Pick<ExperimentReport, 'plan'>): Axes {
  const all = plan.factors.map((factor, index) => ({ ...factor, index }))
  const compared = plan.spec.comparisons[0]?.factor
  const x = all.find(({ name, levels }) => name !== compared && levels.length > 1 && levels.every(isNumeral))
  const left = all.filter((factor) => factor !== x)
  const line = left.find(({ name }) => name === compared) ?? left[0]
  return { x, line, others: left.filter((factor) => factor !== line) }
}

function isNumeral(level: string): boolean {
  return level.trim() !== '' && Number.isFinite(Number(level))
}

/** Levels of some factors, by their place among all. */
export type Spot = ReadonlyMap<number, string>

/** Every combination of levels of `factors`; one empty spot where there are none. */
export function spotsOf(factors: readonly FactorAxis[]): readonly Spot[] {
  return factors.reduce<readonly Spot[]>(
    (spots, { index, levels }) =>
      spots.flatMap((spot) => levels.map((level) => new Map([...spot, [index, level]]))),
    [new Map()],
  )
}

/** The cell of a combination of levels of all factors; undefined when there is none. */
export function cellAt(
  report: Pick<ExperimentReport, 'plan'>,
  ...spots: readonly Spot[]
): number | undefined {
  const wanted = new Map(spots.flatMap((spot) => [...spot]))
  const cell = report.plan.cells.findIndex(({ levels }) =>
    levels.every((level, i) => wanted.get(i) === level),
  )
  return cell < 0 ? undefined : cell
}

/** `load 0.5, models 3`, without what is the same everywhere; empty for an empty spot. */
export function spotLabel({ plan }: Pick<ExperimentReport, 'plan'>, spot: Spot): string {
  return [...spot]
    .filter(([index]) => plan.factors[index].levels.length > 1)
    .map(([index, level]) => `${plan.factors[index].name} ${level}`)
    .join(', ')
}

/** The level that the answer is about, among the lines. */
export function subjectIndex({ plan }: Pick<ExperimentReport, 'plan'>, line: FactorAxis | undefined): number {
  const comparison = plan.spec.comparisons.find(({ factor }) => factor === line?.name)
  return comparison === undefined ? 0 : Math.max(0, line?.levels.indexOf(String(comparison.subject)) ?? 0)
}
