import type { Scenario } from './scenario.js'
import type { ArrivalsSpec, GeneratorSpec, LengthsSpec } from './scenario-workload.js'

/** What is wrong with a workload although every field of it is right by itself, one sentence each. */
export function checkWorkload(scenario: Scenario): string[] {
  const { traces, generators } = scenario.workload
  if (traces.length + generators.length === 0) {
    return ['workload is empty; it must name at least one of traces and generators']
  }
  const known = new Set(scenario.models.map((model) => model.name))
  return [
    ...traces.flatMap((trace, i) => {
      const path = `workload.traces[${i}]`
      const routes = Object.entries(trace.models ?? {})
      return [
        ...routes.flatMap(([from, to]) => checkModel(`${path}.models.${from}`, to, known)),
        ...checkShares(`${path}.deal`, trace.deal, known),
      ]
    }),
    ...generators.flatMap((generator, i) =>
      checkGenerator(`workload.generators[${i}]`, generator, { scenario, known }),
    ),
    ...checkRateScale(scenario),
    ...checkTenantWeights(generators),
  ]
}

/** A tenant is one, whichever generators its requests come from. */
function checkTenantWeights(generators: readonly GeneratorSpec[]): string[] {
  const known = new Map<string, { readonly path: string; readonly weight: number }>()
  return generators.flatMap(({ tenants = [] }, i) =>
    tenants.flatMap(({ tenant, weight = 1 }, j) => {
      const path = `workload.generators[${i}].tenants[${j}].weight`
      const first = known.get(tenant)
      if (first === undefined) known.set(tenant, { path, weight })
      if (first === undefined || first.weight === weight) return []
      return [`${path} is ${weight}; it must be that of ${tenant} at ${first.path} (${first.weight})`]
    }),
  )
}

/** Users of a closed loop send when they are answered: no rate of theirs could be scaled. */
function checkRateScale({ workload: { rateScale, generators } }: Scenario): string[] {
  if (rateScale === undefined || rateScale === 1) return []
  const loop = generators.findIndex(({ arrivals }) => arrivals.kind === 'closed-loop')
  if (loop < 0) return []
  return [
    `workload.rateScale is ${rateScale}; beside the closed loop workload.generators[${loop}] it must be left out: set its users`,
  ]
}

type Names = ReadonlySet<string>

function checkModel(path: string, model: string, known: Names): string[] {
  return known.has(model)
    ? []
    : [`${path} is "${model}"; it must be one of the models: ${[...known].join(', ')}`]
}

function checkShares(
  path: string,
  shares: Readonly<Record<string, number>> | undefined,
  known: Names,
): string[] {
  if (shares === undefined) return []
  const unknown = Object.keys(shares).flatMap((model) => checkModel(`${path}.${model}`, model, known))
  return [...unknown, ...checkSum(path, Object.values(shares))]
}

function checkSum(path: string, shares: readonly number[]): string[] {
  return shares.some((share) => share > 0) ? [] : [`${path} adds up to 0; it must have a share above 0`]
}

function checkGenerator(
  path: string,
  generator: GeneratorSpec,
  { scenario, known }: { readonly scenario: Scenario; readonly known: Names },
): string[] {
  const { model, mix, priorities, tenants } = generator
  const oneOf =
    (model === undefined) === (mix === undefined)
      ? [
          `${path} says ${model === undefined ? 'neither' : 'both'} model and mix; it must have one of the two`,
        ]
      : []
  const ends = isEndless(scenario, generator)
    ? [`${path} never ends; it must have requests or endS, or the scenario a durationS`]
    : []
  return [
    ...oneOf,
    ...(model === undefined ? [] : checkModel(`${path}.model`, model, known)),
    ...(mix ?? []).flatMap((point, i) => checkShares(`${path}.mix[${i}].shares`, point.shares, known)),
    ...checkOrder(`${path}.mix`, mix ?? []),
    ...(priorities === undefined
      ? []
      : checkSum(
          `${path}.priorities`,
          priorities.map(({ share }) => share),
        )),
    ...(tenants === undefined
      ? []
      : checkSum(
          `${path}.tenants`,
          tenants.map(({ share }) => share),
        )),
    ...checkArrivals(`${path}.arrivals`, generator.arrivals),
    ...checkClosedLoop(path, generator, scenario),
    ...checkLengths(`${path}.lengths.prompt`, generator.lengths.prompt),
    ...checkLengths(`${path}.lengths.output`, generator.lengths.output),
    ...ends,
  ]
}

/** Replayed arrivals end with their file. */
function isEndless(scenario: Scenario, { requests, endS, arrivals }: GeneratorSpec): boolean {
  const limits = [requests, endS, scenario.durationS, scenario.stopAtS, scenario.workload.requests]
  return arrivals.kind !== 'replay' && limits.every((limit) => limit === undefined)
}

/** Users send when others let them: what counts requests or time of all sources by arrival does not know them. */
function checkClosedLoop(path: string, { arrivals, mix }: GeneratorSpec, scenario: Scenario): string[] {
  if (arrivals.kind !== 'closed-loop') return []
  const { requests } = scenario.workload
  const counted =
    requests === undefined
      ? []
      : [
          `workload.requests is ${requests}; beside the closed loop of ${path} it must be left out: say ${path}.requests`,
        ]
  const shifting = (mix ?? []).length > 1
  return shifting
    ? [...counted, `${path}.mix has ${mix?.length} points; in a closed loop it must have one`]
    : counted
}

function checkOrder(path: string, points: readonly { readonly atS: number }[]): string[] {
  const late = points.findIndex((point, i) => i > 0 && point.atS < points[i - 1].atS)
  if (late === -1) return []
  return [
    `${path}[${late}].atS is ${points[late].atS}; it must be at least that of the point before it (${points[late - 1].atS})`,
  ]
}

function checkArrivals(path: string, arrivals: ArrivalsSpec): string[] {
  switch (arrivals.kind) {
    case 'flash-crowd': {
      const { ratePerS, peakRatePerS } = arrivals
      if (peakRatePerS >= ratePerS) return []
      return [`${path}.peakRatePerS is ${peakRatePerS}; it must be at least ratePerS (${ratePerS})`]
    }
    case 'mmpp':
      return checkRates(`${path}.states`, arrivals.states)
    case 'curve': {
      const lastS = arrivals.points.at(-1)?.atS ?? 0
      const period =
        arrivals.periodS !== undefined && arrivals.periodS <= lastS
          ? [`${path}.periodS is ${arrivals.periodS}; it must be above the time of the last point (${lastS})`]
          : []
      return [
        ...checkRates(`${path}.points`, arrivals.points),
        ...checkOrder(`${path}.points`, arrivals.points),
        ...period,
      ]
    }
    default:
      return []
  }
}

function checkRates(path: string, rates: readonly { readonly ratePerS: number }[]): string[] {
  if (rates.some(({ ratePerS }) => ratePerS > 0)) return []
  return [`${path} has no ratePerS above 0; it must have one, or no request ever arrives`]
}

function checkLengths(path: string, lengths: LengthsSpec): string[] {
  if (!('min' in lengths) || lengths.max === undefined) return []
  const { min, max } = lengths
  const enough = lengths.kind === 'pareto' ? max > min : max >= min
  return enough
    ? []
    : [`${path}.max is ${max}; it must be ${lengths.kind === 'pareto' ? 'above' : 'at least'} min (${min})`]
}
