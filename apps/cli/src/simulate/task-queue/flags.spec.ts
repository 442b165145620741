import { describe, expect, it } from 'vitest'
import { BadInput } from '../../bad-input.js'
import { type RawTaskQueueOptions, taskQueueFlags } from './flags.js'

function problems(raw: RawTaskQueueOptions, scenario?: string): string {
  try {
    taskQueueFlags(scenario, raw)
  } catch (error) {
    if (error instanceof BadInput) return error.message
    throw error
  }
  return ''
}

describe('taskQueueFlags', () => {
  it('leaves everything to the scenario where no workload is named', () => {
    expect(taskQueueFlags('flood', { cluster: 'h100_8gpu', policy: 'drf' })).toBeUndefined()
  })

  it('runs every algorithm on sixteen GPUs, exactly and without a limit, when nothing else is said', () => {
    expect(taskQueueFlags(undefined, { workload: 'staggered' })).toMatchObject({
      workloads: ['staggered'],
      policies: ['FIFO', 'WeightedFIFO', 'SRPT', 'WSRPT'],
      clusters: [{ name: 'h100_16gpu', gpus: 16 }],
      mode: { kind: 'exact', maxTimeS: undefined },
      notes: [],
    })
  })

  it('takes lists, short names of clusters, and algorithms however they are spelled', () => {
    const raw = {
      workload: 'a.jsonl, staggered',
      cluster: 'H100_8,mixed_32gpu,h100_8gpu',
      algorithms: 'wsrpt,fcfs',
    }
    expect(taskQueueFlags(undefined, raw)).toMatchObject({
      workloads: ['a.jsonl', 'staggered'],
      policies: ['WSRPT', 'FIFO'],
      clusters: [
        { name: 'h100_8gpu', gpus: 8 },
        { name: 'mixed_32gpu', gpus: 32 },
      ],
    })
  })

  it('has the steps and the limit of the original only where its figures are asked for', () => {
    const published = taskQueueFlags(undefined, { workload: 'staggered', compat: 'published' })
    expect(published?.mode).toEqual({ kind: 'published', dtS: 0.01, maxTimeS: 5 })
    const exact = taskQueueFlags(undefined, { workload: 'staggered', dt: '0.05', maxTime: '3' })
    expect(exact?.mode).toEqual({ kind: 'exact', maxTimeS: 3 })
    expect(exact?.notes.join()).toContain('--dt changes nothing without --compat published')
  })

  it.each<[RawTaskQueueOptions, string]>([
    [{ algorithms: 'FIFO' }, '--algorithms is FIFO; it must come with --workload NAME'],
    [{ compat: 'published' }, '--compat is published; it must come with --workload NAME'],
    [{ workload: 'staggered', policy: 'drf' }, '--policy is drf; beside --workload it must be left out'],
    [{ workload: 'staggered', traceFile: false }, '--no-trace is set; beside --workload it must be left out'],
    [{ workload: 'staggered', skipBadLines: true }, '--skip-bad-lines is set; beside --workload'],
    [{ workload: '' }, '--workload is ""; it must be one name'],
    [{ workload: 'staggered', algorithms: 'FIFO,lifo' }, '--algorithms has "lifo"; it must be one of FIFO, '],
    [{ workload: 'staggered', cluster: 'h100' }, '--cluster is "h100"; it must be one of a100_16gpu'],
    [{ workload: 'staggered', cluster: 'x1_8gpu' }, '--cluster is "x1_8gpu"; it must be of a known GPU'],
    [{ workload: 'staggered', maxTime: '-1' }, '--max-time is "-1"; it must be a number of seconds above 0'],
    [{ workload: 'staggered', dt: 'x' }, '--dt is "x"; it must be a number of seconds above 0'],
    [{ workload: 'staggered', compat: 'seed' }, '--compat is "seed"; it must be one of published'],
    [{ workload: 'staggered', estimate: 'best' }, '--estimate is "best"; it must be one of flops, duration'],
    [
      { workload: 'staggered', compat: 'published', estimate: 'duration' },
      'with --compat published it must be flops',
    ],
    [{ workload: 'staggered', compat: 'published', dt: '1e-9' }, 'must be at most 10000000 such steps'],
  ])('refuses %j', (raw, sentence) => {
    expect(problems(raw)).toContain(sentence)
  })

  it('refuses a scenario beside a workload, and says everything that is wrong at once', () => {
    expect(problems({ workload: 'staggered', seed: '1' }, 'flood').split('\n')).toEqual([
      'SCENARIO is flood; beside --workload it must be left out',
      '--seed is 1; beside --workload it must be left out',
    ])
  })
})
