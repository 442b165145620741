import { parseDocument, type Parsed } from './problems.js'
import { scenarioSchema, type ClusterSpec, type ModelSpec, type Scenario } from './scenario.js'

/** Reads a parsed YAML, TOML or JSON document: its own fields first, then what they say to each other. */
export function parseScenario(document: unknown): Parsed<Scenario> {
  const parsed = parseDocument(scenarioSchema, document)
  if (parsed.kind === 'refused') return parsed
  const problems = contradictions(parsed.value)
  return problems.length === 0 ? parsed : { kind: 'refused', problems }
}

/** What no single field can show to be wrong. */
function contradictions(scenario: Scenario): string[] {
  return [
    ...duplicateNames(scenario),
    ...clusterContradictions(scenario.cluster),
    ...modelContradictions(scenario.models),
    ...workloadContradictions(scenario),
  ]
}

function duplicateNames(scenario: Scenario): string[] {
  const generators = scenario.workload.generators.flatMap((generator, i) =>
    generator.name === undefined ? [] : [{ path: `workload.generators[${i}].name`, value: generator.name }],
  )
  return [
    ...repeated(scenario.models.map((model, i) => ({ path: `models[${i}].name`, value: model.name }))),
    ...repeated(
      (scenario.cluster.groups ?? []).map((group, i) => ({
        path: `cluster.groups[${i}].id`,
        value: group.id,
      })),
    ),
    ...repeated(generators),
  ]
}

function repeated(entries: readonly { readonly path: string; readonly value: string }[]): string[] {
  const first = new Map<string, string>()
  const problems: string[] = []
  for (const { path, value } of entries) {
    const earlier = first.get(value)
    if (earlier === undefined) first.set(value, path)
    else problems.push(`${path} is "${value}", as ${earlier} is; it must be a name of its own`)
  }
  return problems
}

function clusterContradictions(cluster: ClusterSpec): string[] {
  const given = (['preset', 'nodes', 'groups'] as const).filter((field) => cluster[field] !== undefined)
  const problems: string[] = []
  if (given.length !== 1) {
    const what = given.length === 0 ? 'says no GPUs' : `says ${given.join(' and ')}`
    problems.push(`cluster ${what}; it must have exactly one of preset, nodes, groups`)
  }
  if (cluster.groups !== undefined && cluster.tp !== undefined) {
    problems.push(
      `cluster.tp is ${cluster.tp}; beside cluster.groups it must be left out: each group has its own tp`,
    )
  }
  return problems
}

function modelContradictions(models: readonly ModelSpec[]): string[] {
  return models.flatMap((model, i) => {
    const problems: string[] = []
    if (model.replicas !== undefined && model.pools !== undefined) {
      problems.push(
        `models[${i}].replicas is ${model.replicas}; beside models[${i}].pools it must be left out`,
      )
    }
    if (model.guarantee > model.limit) {
      problems.push(
        `models[${i}].guarantee is ${model.guarantee}; it must be at most models[${i}].limit (${model.limit})`,
      )
    }
    for (const [j, replica] of (model.pools ?? []).entries()) {
      if (typeof replica === 'string' || replica.leaveS === undefined || replica.leaveS > replica.joinS)
        continue
      problems.push(
        `models[${i}].pools[${j}].leaveS is ${replica.leaveS}; it must be above its joinS (${replica.joinS})`,
      )
    }
    return problems
  })
}

function workloadContradictions(scenario: Scenario): string[] {
  const { traces, generators } = scenario.workload
  const problems: string[] = []
  if (traces.length + generators.length === 0) {
    problems.push('workload is empty; it must name at least one of traces and generators')
  }
  const known = new Set(scenario.models.map((model) => model.name))
  const checkModel = (path: string, model: string) => {
    if (!known.has(model))
      problems.push(`${path} is "${model}"; it must be one of the models: ${[...known].join(', ')}`)
  }
  const checkShares = (path: string, shares: Readonly<Record<string, number>>) => {
    for (const model of Object.keys(shares)) checkModel(`${path}.${model}`, model)
    if (Object.values(shares).every((share) => share === 0))
      problems.push(`${path} adds up to 0; it must have a share above 0`)
  }
  for (const [i, trace] of traces.entries()) {
    const path = `workload.traces[${i}]`
    for (const [from, to] of Object.entries(trace.models ?? {})) checkModel(`${path}.models.${from}`, to)
    if (trace.deal !== undefined) checkShares(`${path}.deal`, trace.deal)
  }
  for (const [i, generator] of generators.entries()) {
    const path = `workload.generators[${i}]`
    if (generator.model !== undefined) checkModel(`${path}.model`, generator.model)
    for (const [j, point] of (generator.mix ?? []).entries())
      checkShares(`${path}.mix[${j}].shares`, point.shares)
    if ((generator.model === undefined) === (generator.mix === undefined)) {
      problems.push(
        `${path} says ${generator.model === undefined ? 'neither' : 'both'} model and mix; it must have one of the two`,
      )
    }
    if (endless(scenario, generator.requests, generator.endS)) {
      problems.push(`${path} never ends; it must have requests or endS, or the scenario a durationS`)
    }
  }
  return problems
}

function endless(scenario: Scenario, requests: number | undefined, endS: number | undefined): boolean {
  return (
    requests === undefined &&
    endS === undefined &&
    scenario.durationS === undefined &&
    scenario.stopAtS === undefined &&
    scenario.workload.requests === undefined
  )
}
