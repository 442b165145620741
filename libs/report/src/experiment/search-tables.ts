import type { GoalResult, SearchFinding, SearchReport, SearchSetting } from '@kvasir/experiment'
import { significant, styleFor, withUnit } from '../numbers.js'
import type { NamedPlot } from '../plots.js'
import type { CellTable } from '../run-tables.js'
import { policyColour } from '../svg/theme.js'
import { rangeTicks, xyPlot } from '../svg/xy-plot.js'
import type { ExperimentReport } from './model.js'

const NONE = '–'

type Searched = Pick<ExperimentReport, 'plan' | 'search'>

/** What a search found, a row a combination of the factors; then what it costs to have more. Empty for other experiments. */
export function searchTables({ plan, search }: Searched): readonly CellTable[] {
  return search === undefined ? [] : [foundTable(search, plan), frontTable(search, plan)]
}

function foundTable(search: SearchReport, { spec }: Searched['plan']): CellTable {
  const factors = spec.factors.map(({ name }) => name).join(' / ')
  const isBest = search.kind === 'best'
  const beside = isBest ? 'second' : 'next, which does not meet'
  return {
    caption: `The ${search.kind} ${search.axes.join(' / ')}${search.goals.length === 0 ? '' : ` with ${search.goals.join(' and ')}`}`,
    header: [
      factors === '' ? 'search' : factors,
      'found',
      ...(isBest ? [search.metric.name] : []),
      'GPUs',
      ...search.goals,
      beside,
      'looked at',
    ],
    rows: search.findings.map((finding) => [
      finding.levels.join(' / ') || 'all',
      settingText(finding),
      ...(isBest ? [metricText(finding.found, search)] : []),
      gpusText(finding.found?.gpus ?? null),
      ...search.goals.map((_, i) => goalText(finding.found?.goals[i])),
      finding.next === null ? NONE : nextText(finding.next, search),
      String(finding.looked),
    ]),
  }
}

function settingText({ found, kind }: SearchFinding): string {
  return found === null ? (kind === 'open' ? 'not yet' : 'none') : found.levels.join(' / ')
}

function nextText(setting: SearchSetting, search: SearchReport): string {
  const { levels, goals, refusals } = setting
  const metric = search.kind === 'best' ? [metricText(setting, search)] : []
  const values = refusals.length > 0 ? ['cannot run'] : [...metric, ...goals.map(goalText)]
  return `${levels.join(' / ')}${values.length === 0 ? '' : ` (${values.join('; ')})`}`
}

/** The mean of the seeds, and the seed that is furthest from the goal. */
function goalText(result: GoalResult | undefined): string {
  if (result === undefined || result.mean === null || result.worst === null) return NONE
  const { mean, worst } = result
  return mean === worst ? significant(mean) : `${significant(mean)} (worst ${significant(worst)})`
}

function metricText(setting: SearchSetting | null, { metric }: SearchReport): string {
  return setting === null || setting.metric === null ? NONE : writtenAs(metric.unit, setting.metric)
}

function writtenAs(unit: SearchReport['metric']['unit'], value: number): string {
  const { write, suffix } = styleFor(unit, [value])
  return `${write(value)}${suffix}`
}

/** A whole number, unless seeds or time make it a mean. */
function gpusText(value: number | null): string {
  return value === null ? NONE : withUnit('count', value)
}

/** Only what no other one beats. */
function frontTable(search: SearchReport, { factors }: Searched['plan']): CellTable {
  const front = search.points.filter(({ isOnFront }) => isOnFront).sort((a, b) => a.cost - b.cost)
  return {
    caption: `${search.cost} against ${search.value}: what costs less gives less`,
    header: [factors.map(({ name }) => name).join(' / '), search.cost, search.value, 'goals'],
    rows: front.map(({ levels, cost, value, meets }) => [
      levels.join(' / '),
      gpusText(cost),
      search.value === search.metric.name ? writtenAs(search.metric.unit, value) : significant(value),
      search.goals.length === 0 ? NONE : meets ? 'met' : 'not met',
    ]),
  }
}

/** Combinations of the factors that a plot tells apart. */
const SERIES_MAX = 5

/** All that was looked at, each combination in its colour, and the front as a line. */
export function frontPlot({ plan, search }: Searched): readonly NamedPlot[] {
  if (search === undefined || search.points.length === 0) return []
  const own = plan.spec.factors.length
  const nameOf = (levels: readonly string[]) => levels.slice(0, own).join(' / ') || 'looked at'
  const names = [...new Set(search.points.map(({ levels }) => nameOf(levels)))]
  const shown = names.length > SERIES_MAX ? ['looked at'] : names
  const pointOf = ({ cost, value }: SearchReport['points'][number]) => ({ x: cost, y: value, yRange: null })
  const costs = search.points.map(({ cost }) => cost)
  const svg = xyPlot({
    title: `${search.value} against ${search.cost}`,
    unit: `left and ${search.better === 'higher' ? 'up' : 'down'} is better`,
    width: 530,
    height: 280,
    xTitle: search.cost,
    xTicks: rangeTicks(Math.min(...costs), Math.max(...costs), 5),
    write: significant,
    lines: [
      ...shown.map((name, i) => ({
        name,
        colour: policyColour(i + 1, 0),
        dash: '',
        isScattered: true,
        points: search.points
          .filter(({ levels }) => shown.length < names.length || nameOf(levels) === name)
          .map(pointOf),
      })),
      {
        name: 'front',
        colour: policyColour(0, 0),
        dash: '',
        points: search.points
          .filter(({ isOnFront }) => isOnFront)
          .sort((a, b) => a.cost - b.cost)
          .map(pointOf),
      },
    ],
  })
  return [{ name: 'front', size: 'half', svg }]
}
