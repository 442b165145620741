import { type ExperimentSpec, metricName } from './experiment.js'
import { levelName } from './experiment-parts.js'
import { known, repeated, reservedName } from './experiment-problems.js'
import type { DomainAxisSpec, GoalSpec, OrderedAxisSpec, SearchSpec } from './experiment-search.js'
import { summaryPathProblems } from './summary-paths.js'

/** Settings of an axis at most: a bisection would take 14 of them, and whoever means more means a tolerance. */
const SETTINGS_MAX = 10_000

/** What the fields of a search say to each other and to the rest of the experiment. */
export function searchProblems(
  where: string,
  search: SearchSpec | undefined,
  spec: ExperimentSpec,
): readonly string[] {
  if (search === undefined) return []
  return [
    ...besideProblems(where, spec),
    ...search.goals.flatMap((goal, i) => goalProblems(`${where}.goals[${i}]`, goal)),
    ...(search.kind === 'best'
      ? bestProblems(where, search, spec)
      : [
          ...nameProblems(`${where}.axis.name`, search.axis.name, spec),
          ...orderedProblems(`${where}.axis`, search.axis),
        ]),
  ]
}

/** Comparisons take the same settings of all levels, and a stopping rule the same seeds; a search has neither. */
function besideProblems(where: string, { comparisons, stop }: ExperimentSpec): string[] {
  return [
    ...(comparisons.length > 0
      ? [`comparisons has ${comparisons.length}; it must be left out beside ${where}`]
      : []),
    ...(stop === undefined ? [] : [`stop is there; it must be left out beside ${where}`]),
  ]
}

function goalProblems(where: string, { path, atLeast, atMost }: GoalSpec): string[] {
  const isOne = (atLeast === undefined) !== (atMost === undefined)
  return [
    ...summaryPathProblems(`${where}.path`, path),
    ...(isOne
      ? []
      : [
          `${where} has ${atLeast === undefined ? 'neither' : 'both'} atLeast and atMost; it must have one of them`,
        ]),
  ]
}

function bestProblems(
  where: string,
  { axes, metric, budget }: Extract<SearchSpec, { readonly kind: 'best' }>,
  spec: ExperimentSpec,
): string[] {
  return [
    ...axes.flatMap((axis, i) => [
      ...nameProblems(`${where}.axes[${i}].name`, axis.name, spec),
      ...domainProblems(`${where}.axes[${i}]`, axis),
    ]),
    ...repeated(
      `${where}.axes`,
      'name',
      axes.map(({ name }) => name),
    ),
    ...(budget.includes('duration') && [...axes, ...spec.factors].some(({ name }) => name === 'duration')
      ? [`${where}.budget has duration, a column of the tables then; factors and axes must have other names`]
      : []),
    ...(metric === undefined ? [] : known(`${where}.metric`, metric, spec.metrics.map(metricName))),
  ]
}

/** An axis is a column of the tables beside the factors. */
function nameProblems(where: string, name: string, { factors }: ExperimentSpec): string[] {
  const twin = factors.findIndex((factor) => factor.name === name)
  return [
    ...reservedName(where, name),
    ...(twin < 0 ? [] : [`${where} is "${name}", as factors[${twin}].name is; it must be a name of its own`]),
  ]
}

function orderedProblems(where: string, axis: OrderedAxisSpec): string[] {
  const { values, step, tolerance } = axis
  const shape = rangeProblems(where, axis, { list: 'values', isList: values !== undefined })
  if (shape.length > 0) return shape
  if (values !== undefined) {
    const extra = step !== undefined || tolerance !== undefined
    return [
      ...repeated(`${where}.values`, undefined, values.map(levelName)),
      ...(extra
        ? [`${where}.${step === undefined ? 'tolerance' : 'step'} is there; it goes with from and to`]
        : []),
    ]
  }
  if (step !== undefined && tolerance !== undefined)
    return [`${where} has both step and tolerance; it must have one of them`]
  return [...logProblems(where, axis, tolerance !== undefined), ...sizeProblems(where, axis)]
}

function domainProblems(where: string, axis: DomainAxisSpec): string[] {
  const { choices, scale, whole } = axis
  const shape = rangeProblems(where, axis, { list: 'choices', isList: choices !== undefined })
  if (shape.length > 0) return shape
  if (choices === undefined)
    return [...logProblems(where, axis, scale === 'log'), ...wholeProblems(where, axis)]
  const extra = scale === undefined ? (whole === undefined ? undefined : 'whole') : 'scale'
  return [
    ...repeated(`${where}.choices`, undefined, choices.map(levelName)),
    ...(extra === undefined ? [] : [`${where}.${extra} is there; it goes with from and to`]),
  ]
}

type RangeAxis = Pick<OrderedAxisSpec, 'path' | 'each' | 'from' | 'to'>

function rangeProblems(
  where: string,
  { path, each, from, to }: RangeAxis,
  { list, isList }: { readonly list: string; readonly isList: boolean },
): string[] {
  const isRange = from !== undefined || to !== undefined
  if (isList === isRange)
    return [
      `${where} has ${isList ? 'both' : 'neither'} ${list} and a range; it must have ${list}, or from and to`,
    ]
  if (isList) return each === undefined ? [] : [`${where}.each is there; it goes with from and to`]
  if (from === undefined || to === undefined)
    return [`${where}.${from === undefined ? 'from' : 'to'} is missing; it must be a number`]
  if (to <= from) return [`${where}.to is ${to}; it must be above from, which is ${from}`]
  return each === undefined || path === undefined
    ? []
    : [`${where} has both path and each; it must have one of them`]
}

function logProblems(where: string, { from = 0 }: RangeAxis, isLog: boolean): string[] {
  if (!isLog || from > 0) return []
  return [`${where}.from is ${from}; it must be above 0 where settings are shares of each other`]
}

function wholeProblems(where: string, { from = 0, to = 0, whole }: DomainAxisSpec): string[] {
  if (whole !== true || Math.ceil(from) <= Math.floor(to)) return []
  return [`${where}.whole is true; there must be a whole number from ${from} to ${to}`]
}

function sizeProblems(where: string, { from = 0, to = 0, step = 1, tolerance }: OrderedAxisSpec): string[] {
  const count = tolerance === undefined ? (to - from) / step : Math.log(to / from) / Math.log1p(tolerance)
  if (!(count >= SETTINGS_MAX)) return []
  const field = tolerance === undefined ? 'step' : 'tolerance'
  return [
    `${where}.${field} is ${tolerance ?? step}; it must be larger, so that there are fewer than ${SETTINGS_MAX} settings`,
  ]
}
