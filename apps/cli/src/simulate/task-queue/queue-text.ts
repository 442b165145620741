import { renderTable, withUnit } from '@kvasir/report'
import { type ComparedRun, type QueueDocument, turnaround } from './queue-document.js'

const header = [
  'run',
  'weighted turnaround',
  'average',
  'makespan',
  'utilisation',
  'completed',
  'weighted gain',
  'average gain',
]

const EXACT = 'Tasks that queue for a whole cluster, work-conserving, at exact event times.'

/** The comparison for people: a row a run, a rule between clusters, and what the figures leave out. */
export function queueText(document: QueueDocument): string {
  const runs = Object.entries(document.runs)
  const group = (key: string) => key.slice(0, key.lastIndexOf('/'))
  const table = renderTable({
    header,
    rows: runs.map(([key, run]) => [key, ...cells(run)]),
    align: header.map((_, column) => (column === 0 ? 'left' : 'right')),
    ruleBefore: runs.flatMap(([key], i) => (i > 0 && group(key) !== group(runs[i - 1][0]) ? [i] : [])),
  })
  const legend =
    'Times in seconds; weighted: sum of weight × turnaround; gain: how much less than under FIFO.'
  const intro = document.compat === null ? EXACT : document.about
  return [intro, '', table, '', legend, ...runs.flatMap(([key, run]) => omissions(key, run))].join('\n')
}

function cells(run: ComparedRun): readonly string[] {
  const cutOff = 'at_least' in run && run.unscheduled.length > 0
  const [weighted, average] = cutOff
    ? [run.at_least.weighted_turnaround, run.at_least.average_turnaround]
    : turnaround(run)
  const bound = cutOff ? '≥ ' : ''
  return [
    `${bound}${fixed(weighted)}`,
    `${bound}${fixed(average)}`,
    fixed(run.makespan),
    share(run.gpu_utilization),
    `${run.completed_count}/${run.total_count}`,
    share(run.improvement_over_fifo?.weighted ?? null),
    share(run.improvement_over_fifo?.average ?? null),
  ]
}

/** Nothing that did not run is left out without a word. */
function omissions(key: string, run: ComparedRun): readonly string[] {
  const { unscheduled } = run
  const counted = 'at_least' in run ? '; ≥ counts each as if it started then' : ', and no figure counts them'
  const cut = `${key}: ${tasks(unscheduled.length)} had not started by --max-time${counted}: ${some(unscheduled)}`
  const rejected = 'rejected' in run ? run.rejected : []
  const wide = rejected.map(({ id }) => id)
  return [
    ...(unscheduled.length === 0 ? [] : [cut]),
    ...(wide.length === 0
      ? []
      : [
          `${key}: ${tasks(wide.length)} rejected, ${rejected[0].reason.replaceAll('_', ' ')}: ${some(wide)}`,
        ]),
  ]
}

function tasks(count: number): string {
  return `${count} ${count === 1 ? 'task' : 'tasks'}`
}

function some(ids: readonly string[]): string {
  return ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 8).join(', ')}, …`
}

function fixed(value: number | null): string {
  return value === null ? '-' : value.toFixed(3)
}

function share(value: number | null): string {
  return value === null ? '-' : withUnit('share', value)
}
