import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planCluster } from '@kvasir/simulation'
import { afterAll, describe, expect, it } from 'vitest'
import { simulateFlags } from './flags.js'
import { prepareWorkload } from './prepare-workload.js'
import { resolveScenario, shippedScenarios } from './resolve-scenario.js'
import { plannedRuns } from './run-list.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const plain = file('plain.csv', 't_s,prompt_tokens,output_tokens\n0,100,10\n1,200,20\n')
const named = file(
  'named.csv',
  't_s,model,prompt_tokens,output_tokens\n0,m-small,100,10\n1,m-large,200,20\n2,m-small,50,5\n',
)

describe('shipped scenarios', () => {
  it.each(shippedScenarios().map((name) => [name]))('%s can be planned', async (name) => {
    const flags = simulateFlags(name, {})
    const resolved = await resolveScenario(flags)
    const workload = await prepareWorkload(resolved, flags)
    expect(planCluster(resolved.scenario).kind).toBe('planned')
    expect(workload.skippedLines).toBe(0)
    expect(resolved.scenario.name).toBe(name)
  })

  it('compare four policies when nothing is asked for', async () => {
    const flags = simulateFlags(undefined, {})
    const { scenario } = await resolveScenario(flags)
    expect(scenario.models).toHaveLength(3)
    expect(plannedRuns(scenario, flags).map(({ prefix }) => prefix)).toEqual([
      'static/',
      'uncoordinated/',
      'kapsl-compat/',
      'weighted-max-min/',
    ])
  })
})

describe('a trace without a scenario', () => {
  it('is served by a large model on every group of sixteen H100s', async () => {
    const flags = simulateFlags(undefined, { trace: plain })
    const resolved = await resolveScenario(flags)
    const { demand, requests } = await prepareWorkload(resolved, flags)
    const planning = planCluster(resolved.scenario, demand)
    if (planning.kind === 'refused') throw new Error(planning.problems.join('\n'))
    expect(resolved.scenario.name).toBe('plain')
    expect(planning.value.plan.engines.map(({ id }) => id)).toEqual([
      'Llama-3.1-70B@p0',
      'Llama-3.1-70B@p1',
      'Llama-3.1-70B@p2',
      'Llama-3.1-70B@p3',
    ])
    expect(requests).toBe(2)
    expect(plannedRuns(resolved.scenario, flags)).toEqual([
      { policy: 'weighted-max-min', seed: 1, prefix: '' },
    ])
  })

  it('is served by the models that it names, which the command line may override', async () => {
    const flags = simulateFlags(undefined, { trace: named, modelMap: 'm-large=Qwen3-14B' })
    const resolved = await resolveScenario(flags)
    expect(resolved.scenario.models.map(({ name, architecture }) => [name, architecture])).toEqual([
      ['m-small', 'Qwen3-8B'],
      ['m-large', 'Qwen3-14B'],
    ])
    const { notes } = await prepareWorkload(resolved, flags)
    expect(notes).toContain('m-large -> Qwen3-14B')
  })

  it('keeps to the first requests, and to the models these name', async () => {
    const flags = simulateFlags(undefined, { trace: named, requests: '1' })
    const resolved = await resolveScenario(flags)
    expect(resolved.scenario.models.map(({ name }) => name)).toEqual(['m-small'])
  })

  it('is refused when nothing is known of a model', async () => {
    const trace = file('odd.csv', 't_s,model,prompt_tokens,output_tokens\n0,secret,100,10\n')
    await expect(resolveScenario(simulateFlags(undefined, { trace }))).rejects.toThrow(
      /nothing is known of the models secret; say what they are with --model-map secret=/,
    )
  })
})

describe('a scenario with options', () => {
  const text = (workload: string) => `
name: mine
engine: { order: fcfs }
models:
  - { name: chat, architecture: Qwen3-8B, engine: { order: edf, stepTokenLimit: 512 } }
  - { name: code, architecture: Llama-3.1-70B }
workload: ${workload}
`

  it('obeys the command line for all models', async () => {
    const scenario = file('mine.yaml', text('{ traces: [{ file: plain.csv }] }'))
    const flags = simulateFlags(scenario, {
      order: 'srpt',
      victim: 'least-waste',
      preemption: 'swap',
      cluster: 'h200_8gpu',
      policy: 'static,drf',
      seed: '4',
    })
    const resolved = await resolveScenario(flags)
    const planning = planCluster(resolved.scenario)
    if (planning.kind === 'refused') throw new Error(planning.problems.join('\n'))
    expect(planning.value.plan.pools[0].gpu).toBe('H200')
    expect(planning.value.plan.models[0].scheduler).toMatchObject({
      order: 'srpt',
      victim: 'least-waste',
      preemption: 'swap',
      stepTokenLimit: 512,
    })
    expect(plannedRuns(resolved.scenario, flags).map(({ prefix, seed }) => [prefix, seed])).toEqual([
      ['static/', 4],
      ['drf/', 4],
    ])
  })

  it('takes a trace in place of its own workload, dealt to its models', async () => {
    const scenario = file('other.yaml', text('{ traces: [{ file: not-there.csv }] }'))
    const flags = simulateFlags(scenario, { trace: plain })
    const { notes } = await prepareWorkload(await resolveScenario(flags), flags)
    expect(notes).toContain('requests that name no model are dealt in turn, by weight: chat 1, code 1')
  })

  it('sends names of the trace to models of the scenario', async () => {
    const scenario = file('routed.yaml', text('{ traces: [{ file: named.csv }] }'))
    const flags = simulateFlags(scenario, { trace: named, modelMap: 'm-small=code' })
    const { traces } = await prepareWorkload(await resolveScenario(flags), flags)
    expect([...traces[0].routing.modelOf]).toEqual([
      ['m-small', 'code'],
      ['m-large', 'code'],
    ])
  })

  it('is refused by file and field', async () => {
    const scenario = file('wrong.yaml', text('{ traces: [{ file: plain.csv, rate: 2 }] }'))
    await expect(resolveScenario(simulateFlags(scenario, {}))).rejects.toThrow(
      /wrong\.yaml: workload\.traces\[0\]\.rate is not a known field \(its value is 2\); did you mean rateScale\?/,
    )
  })

  it('says which scenarios there are when a name leads nowhere', async () => {
    await expect(resolveScenario(simulateFlags('three-modles', {}))).rejects.toThrow(
      /no shipped scenario of that name \(.*three-models/,
    )
  })
})
