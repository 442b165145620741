import { accuracyOf } from './accuracy.js'
import {
  calibratedAllReduce,
  calibratedCopies,
  calibratedDecode,
  calibratedPrefill,
  calibratedProducts,
  type CalibrationPoint,
  type CopyPoint,
} from './calibration-sets.js'
import { fitAllReduce, fitAttention, fitProducts } from './fit-profile.js'
import type { CopyProfile, KernelProfile } from './kernel-profile.js'
import { EXPERT_TOKEN_KNOTS } from './measured-sets.js'

/** What a profile says of itself. */
export type CalibrationHeader = Pick<KernelProfile, 'gpu' | 'measuredWith' | 'source' | 'fittedOn'>

/**
 * A profile of the GPU that `tools/calibrate` ran on. What no point speaks of stays empty, and experts and small kernels always do: a
 * step cost takes these from the profile that is nearest.
 */
export function fitCalibration(
  header: CalibrationHeader,
  points: readonly CalibrationPoint[],
): KernelProfile {
  const { gpu } = header
  const copies = fitCopies(calibratedCopies(points))
  return {
    ...header,
    products: calibratedProducts(gpu, points).map(fitProducts),
    decodeAttention: calibratedDecode(gpu, points).map(fitAttention),
    prefillAttention: calibratedPrefill(gpu, points).map(fitAttention),
    experts: { fit: { points: 0, error: 0 }, tokens: EXPERT_TOKEN_KNOTS, layers: [] },
    allReduce: calibratedAllReduce(gpu, points).map(fitAllReduce),
    ...(copies === undefined ? {} : { copies }),
  }
}

/** A launch and a rate, the slower direction's, by least squares on relative errors: small copies count as much as large ones. */
function fitCopies(points: readonly CopyPoint[]): CopyProfile | undefined {
  const slowest = new Map<number, number>()
  for (const { bytes, us } of points) slowest.set(bytes, Math.max(us, slowest.get(bytes) ?? 0))
  if (slowest.size < 2) return undefined
  let [w, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0]
  for (const [bytes, us] of slowest) {
    const weight = 1 / (us * us)
    w += weight
    wx += weight * bytes
    wxx += weight * bytes * bytes
    wy += weight * us
    wxy += weight * bytes * us
  }
  const usPerByte = (w * wxy - wx * wy) / (w * wxx - wx * wx)
  const fixedUs = Math.max(0, (wy - usPerByte * wx) / w)
  const { points: count, mape } = accuracyOf(
    [...slowest].map(([bytes, measuredUs]) => ({
      measuredUs,
      predictedUs: fixedUs + bytes * usPerByte,
      at: () => `${bytes} bytes`,
    })),
  )
  const fit = { points: count, error: Math.round(mape * 10_000) / 10_000 }
  return {
    fixedUs: Math.round(fixedUs * 10) / 10,
    bytesPerSecond: Math.round(1e6 / usPerByte),
    fit,
  }
}
