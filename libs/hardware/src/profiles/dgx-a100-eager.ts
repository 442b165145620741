// Written by tools/fit-hardware.mjs from measurements that stay outside of the repository. Do not edit.
import type { StepProfile } from '../profile/kernel-profile.js'

// biome-ignore format: one line a row of a table
export const dgxA100Eager: StepProfile = {
  gpu: 'A100-80GB',
  source: 'Mutinifni/splitwise-sim @ 8f99e7d (MIT), data/perf_model.csv',
  fittedOn: '2026-11-21',
  host: 'eager-2023',
  model: 'Llama-2-70B',
  fit: { points: 94, error: 0.038 },
  table: {
    axes: [
      { name: 'ranks', knots: [2, 4, 8] },
      { name: 'tokens', knots: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768] },
    ],
    rows: [
      '-4 4 3 0 0 -5 -4 4 -11 -17 -8 -15 -14 -15 4 29',
      '-13 -12 -15 -20 -23 -39 -12 14 -10 -21 -22 -20 5 36 40 53',
      '5 1 2 -2 1 -17 6 48 2 -27 -42 -63 -16 29 29 42',
    ],
  },
}
