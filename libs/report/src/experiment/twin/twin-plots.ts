import { type TwinLatencyName, twinLatencies, twinLatencyNames, type TwinRequest } from '@kvasir/experiment'
import { empiricalCdf, SampleSet } from '@kvasir/metrics'
import type { NamedPlot } from '../../plots.js'
import { type CdfLine, cdfPlot } from '../../svg/cdf-plot.js'
import { dashOf, policyColour } from '../../svg/theme.js'
import type { TwinRun } from './twin-report.js'

const SIZE = { width: 346, height: 240 } as const
const CDF_POINTS = 100
/** More models than this would make a page of nothing but curves; the tables have all. */
const MODELS_MOST = 6

const sideNames = ['live', 'simulated', 'bare'] as const
const sideTitles = { live: 'live', simulated: 'simulated', bare: 'arithmetic' } as const

/** Distributions of each latency of each model: live, simulated, and simulated without the live path's costs. */
export function twinPlots({ sides, comparison }: TwinRun): readonly NamedPlot[] {
  return comparison.models.slice(0, MODELS_MOST).flatMap(({ model }) =>
    twinLatencyNames.map((name) => ({
      name: `${model}-${name}`,
      size: 'third' as const,
      svg: cdfPlot({
        title: `${name}, ${model}`,
        unit: 'share of requests',
        ...SIZE,
        lines: sideNames.map(
          (side, i): CdfLine => ({
            name: sideTitles[side],
            colour: policyColour(i, 0),
            dash: dashOf(i),
            points: empiricalCdf(samplesOf(sides[side].requests, model, name), CDF_POINTS),
          }),
        ),
      }),
    })),
  )
}

function samplesOf(requests: readonly TwinRequest[], model: string, name: TwinLatencyName): SampleSet {
  const samples = new SampleSet()
  for (const request of requests) {
    const value = request.model === model ? twinLatencies[name](request) : undefined
    if (value !== undefined) samples.add(value)
  }
  return samples
}
