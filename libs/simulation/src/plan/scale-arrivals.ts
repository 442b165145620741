import type { ArrivalsSpec, GeneratorSpec } from '@kvasir/contracts'

/**
 * The same generator with requests `factor` times as frequent. Rates grow; times on which they ride (of a day, of a burst, of a
 * crowd) stay, so that more load is more of the same and not the same in a hurry.
 */
export function scaleArrivals(generator: GeneratorSpec, factor: number): GeneratorSpec {
  return factor === 1 ? generator : { ...generator, arrivals: scaled(generator.arrivals, factor) }
}

function scaled(spec: ArrivalsSpec, factor: number): ArrivalsSpec {
  switch (spec.kind) {
    case 'constant':
    case 'poisson':
    case 'gamma':
    case 'weibull':
    case 'diurnal':
      return { ...spec, ratePerS: spec.ratePerS * factor }
    case 'mmpp': {
      const states = spec.states.map((state) => ({ ...state, ratePerS: state.ratePerS * factor }))
      return { ...spec, states }
    }
    case 'flash-crowd':
      return { ...spec, ratePerS: spec.ratePerS * factor, peakRatePerS: spec.peakRatePerS * factor }
    case 'curve': {
      const points = spec.points.map((point) => ({ ...point, ratePerS: point.ratePerS * factor }))
      return { ...spec, points }
    }
    case 'replay':
      return { ...spec, rateScale: spec.rateScale * factor }
    case 'closed-loop':
      // Refused beside a factor (`checkRateScale`): users send when they are answered.
      return spec
  }
}
