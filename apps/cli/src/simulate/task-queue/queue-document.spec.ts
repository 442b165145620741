import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { taskWorkload, type TaskWorkloadName } from '@kvasir/simulation'
import { describe, expect, it, test } from 'vitest'
import { type RawTaskQueueOptions, taskQueueFlags } from './flags.js'
import { type QueueDocument, queueDocument } from './queue-document.js'
import { queueText } from './queue-text.js'
import { readTasks } from './read-tasks.js'

const shared =
  process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../../../../../shared', import.meta.url))
const file = `${shared}/data/seed-workloads/schedule-golden.json`
const present = existsSync(file)
if (!present) console.warn(`no ${file}: the fields of --output are NOT checked against it`)

function documentOf(raw: RawTaskQueueOptions): QueueDocument {
  const flags = taskQueueFlags(undefined, raw)
  if (flags === undefined) throw new Error('no workload was named')
  return queueDocument(flags.workloads.map(readTasks), flags)
}

type Figures = Readonly<Record<string, unknown>>
type Recorded = Readonly<
  Record<string, { readonly seed: Figures; readonly work_conserving_reference: Figures }>
>
const golden: { readonly runs: Recorded; readonly llm_task2_runs: Recorded } = present
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { runs: {}, llm_task2_runs: {} }

const algorithms = 'FIFO,WeightedFIFO,StrictWeightedFIFO,SRPT,WSRPT'
const clusters = 'h100_8gpu,h100_16gpu,h100_32gpu,h100_64gpu,a100_8gpu,a100_16gpu,mixed_8gpu,mixed_32gpu'

/** Every field that was recorded is there, under its name: numbers to 1e-6, the rest exactly. */
function expectFields(run: object | undefined, expected: Figures): void {
  for (const [name, value] of Object.entries(expected)) {
    const found: unknown = run === undefined ? undefined : Reflect.get(run, name)
    if (typeof value !== 'number') expect(found, name).toEqual(value)
    else
      expect(Math.abs(Number(found) - value), `${name}: ${String(found)}, recorded ${value}`).toBeLessThan(
        1.000001e-6,
      )
  }
}

describe.skipIf(!present)('the document, beside what was recorded', () => {
  test.each([
    ['exact', {}, 'work_conserving_reference'],
    ['published', { compat: 'published' }, 'seed'],
  ] as const)('has its runs and fields, %s', (_, mode, column) => {
    const small = documentOf({ workload: 'discriminating,staggered', cluster: clusters, algorithms, ...mode })
    const large = documentOf({
      workload: 'llm-task2',
      cluster: 'h100_16gpu,h100_32gpu,h100_64gpu',
      maxTime: '1000',
      ...mode,
    })
    expect(Object.keys(small.runs).sort()).toEqual(Object.keys(golden.runs).sort())
    for (const [key, run] of Object.entries(golden.runs)) expectFields(small.runs[key], run[column])
    for (const [key, run] of Object.entries(golden.llm_task2_runs)) {
      expectFields(large.runs[`llm-task2/${key}`], run[column])
    }
  })
})

describe('the published comparison', () => {
  const document = documentOf({
    workload: 'discriminating',
    algorithms: 'FIFO,WeightedFIFO',
    compat: 'published',
  })

  it('says that it has the mistakes of the original, in the file and on the screen', () => {
    expect(document.compat).toBe('published')
    expect(document.about).toContain('mistakes included')
    expect(queueText(document)).toContain('mistakes included')
  })

  it('shows 336.400, 108.040, 67.9 % and 25.0 %', () => {
    const row = queueText(document)
      .split('\n')
      .find((line) => line.includes('WeightedFIFO'))
    expect(row).toMatch(/108\.040 +1\.802 +4\.510 .* 20\/20 +67\.9 % +25\.0 %/)
    expect(queueText(document)).toMatch(/FIFO +336\.400 +2\.402/)
    expect(document.runs['discriminating/h100_16gpu/WeightedFIFO'].improvement_over_fifo).toEqual({
      weighted: 0.678835,
      average: 0.249792,
    })
  })
})

describe('what did not run', () => {
  it('is counted into bounds, named below the table, and compared with nothing', () => {
    const document = documentOf({ workload: 'discriminating', cluster: 'h100_8', maxTime: '2' })
    const run = document.runs['discriminating/h100_8gpu/SRPT']
    expect(run).toMatchObject({
      completed_count: 16,
      total_count: 20,
      completion_rate: 0.8,
      weighted_turnaround: 134,
      at_least: { weighted_turnaround: 150, average_turnaround: 2.1 },
      unscheduled: ['T_low_5', 'T_low_6', 'T_low_7', 'T_low_8'],
      improvement_over_fifo: null,
    })
    expect(queueText(document)).toMatch(/SRPT +≥ 150\.000 +≥ 2\.100/)
    expect(queueText(document)).toContain('SRPT: 4 tasks had not started by --max-time; ≥ counts each')
  })

  it('is rejected with the reason where it could never run', () => {
    const name: TaskWorkloadName = 'staggered'
    const tasks = taskWorkload(name).map((task, i) => ({ ...task, tp: i === 0 ? 16 : 2 }))
    const flags = taskQueueFlags(undefined, { workload: name, cluster: 'h100_8gpu', algorithms: 'FIFO' })
    const document = queueDocument([{ name, tasks }], flags ?? expect.fail('no workload was named'))
    expect(document.runs['staggered/h100_8gpu/FIFO']).toMatchObject({
      completed_count: 11,
      unscheduled: [],
      rejected: [{ id: 'T_fill_1', reason: 'needs_more_gpus_than_the_cluster_has' }],
    })
    expect(queueText(document)).toContain('1 task rejected, needs more gpus than the cluster has: T_fill_1')
  })
})
