import { invariant } from '@kvasir/kernel'
import type { StepBreakdown } from './step-cost.js'

/**
 * A step as it is on a share of the multiprocessors (SMs) of its group. Arithmetic takes as many times longer as there are fewer of them;
 * traffic only as far as they cannot ask for the whole bandwidth; what neither is, the host and the links between ranks, takes what it
 * takes. Microseconds on the whole group, where
 *
 *   kernels = sqrt(arithmetic^2 + traffic^2)      whole step = fixed + kernels
 */
export interface SpatialStep {
  readonly fixedUs: number
  readonly arithmeticUs: number
  readonly trafficUs: number
}

/** What a step computes with: shares of the group's SMs and of the memory bandwidth that its kernels reach, both above 0, at most 1. */
export interface SpatialShare {
  readonly multiprocessors: number
  readonly bandwidth: number
}

/**
 * Share of the SMs at which they would ask for all of the bandwidth if none stood in another's way. Measured with a copy kernel on an
 * H100 (132 SMs; a public "CUDA Performance Study, H100 SXM5", section "HBM Bandwidth Scaling"): 8, 32 and 64 SMs reach 18.2, 59.4 and
 * 86.4 % of what all reach; the form below gives 18.8, 59.8 and 85.6 %. It agrees with BulletServe's author (zejia-lin/BulletServe,
 * issue 1): a rapid rise up to some 40 SMs, a tenth more beyond; and with MuxServe (arXiv 2404.02015, figure 3): decoding is slowed
 * down little by a third of the SMs, prefill in proportion. One curve for all kinds of GPU: nothing public says how others differ.
 */
const SATURATING_SHARE = 0.355

/** Share of the memory bandwidth that a share of the SMs can ask for: never less than its own, and all of it when it is all of them. */
export function bandwidthReach(multiprocessors: number): number {
  const saturating = SATURATING_SHARE * SATURATING_SHARE
  return multiprocessors * Math.sqrt((1 + saturating) / (multiprocessors * multiprocessors + saturating))
}

/** Divides a step's kernels into arithmetic and traffic as their times at peak are to each other. */
export function spatialStep(parts: StepBreakdown): SpatialStep {
  const fixedUs = parts.communicationUs + parts.hostUs
  const kernelsUs = Math.max(0, parts.totalUs - fixedUs)
  const atPeakUs = length(parts.computeUs, parts.memoryUs)
  if (atPeakUs === 0) return { fixedUs: parts.totalUs, arithmeticUs: 0, trafficUs: 0 }
  return {
    fixedUs,
    arithmeticUs: (kernelsUs * parts.computeUs) / atPeakUs,
    trafficUs: (kernelsUs * parts.memoryUs) / atPeakUs,
  }
}

/** Microseconds of a step; on all SMs with all of the bandwidth those of the plain step, unrounded. */
export function spatialUs(step: SpatialStep, { multiprocessors, bandwidth }: SpatialShare): number {
  invariant(
    multiprocessors > 0 && multiprocessors <= 1 && bandwidth > 0 && bandwidth <= 1,
    () => `a step on ${multiprocessors} of the SMs with ${bandwidth} of the bandwidth: above 0 and at most 1`,
  )
  const reached = Math.min(bandwidth, bandwidthReach(multiprocessors))
  return step.fixedUs + length(step.arithmeticUs / multiprocessors, step.trafficUs / reached)
}

function length(a: number, b: number): number {
  return Math.sqrt(a * a + b * b)
}
