import { checkWorkload } from './check-workload.js'
import { faultContradictions } from './faults.js'
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
    ...faultContradictions(scenario.faults ?? []),
    ...checkWorkload(scenario),
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
    problems.push(...lockStepContradictions(model, `models[${i}]`))
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

/** Replicas that compute in lock step come in full sets, and come and go together. */
function lockStepContradictions({ dataParallel = 1, replicas, pools }: ModelSpec, path: string): string[] {
  if (dataParallel === 1) return []
  const problems: string[] = []
  const multiple = `it must be a multiple of ${path}.dataParallel (${dataParallel})`
  if (replicas !== undefined && replicas % dataParallel !== 0)
    problems.push(`${path}.replicas is ${replicas}; ${multiple}`)
  if (pools === undefined) return problems
  if (pools.length % dataParallel !== 0)
    problems.push(
      `${path}.pools has ${pools.length} entries; their number must be a multiple of ${dataParallel}, ${path}.dataParallel`,
    )
  for (const [j, replica] of pools.entries()) {
    if (typeof replica === 'string' || (replica.joinS === 0 && replica.leaveS === undefined)) continue
    const [field, value] = replica.joinS > 0 ? ['joinS', replica.joinS] : ['leaveS', replica.leaveS]
    problems.push(
      `${path}.pools[${j}].${field} is ${value}; beside ${path}.dataParallel it must be left out: engines in lock step come and go together`,
    )
  }
  return problems
}
