// Written by tools/fit-hardware.mjs from measurements that stay outside of the repository. Do not edit.
import type { StepProfile } from '../profile/kernel-profile.js'

// biome-ignore format: one line a row of a table
export const dgxH100Eager: StepProfile = {
  gpu: 'H100',
  source: 'Mutinifni/splitwise-sim @ 8f99e7d (MIT), data/perf_model.csv',
  fittedOn: '2026-11-21',
  host: 'eager-2023',
  model: 'Llama-2-70B',
  fit: { points: 94, error: 0.0155 },
  table: {
    axes: [
      { name: 'ranks', knots: [2, 4, 8] },
      { name: 'tokens', knots: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768] },
    ],
    rows: [
      '2 0 10 5 -2 20 13 20 -16 -12 -9 -10 -5 -5 -10 -9',
      '-12 -10 -15 -14 -23 -33 -3 64 30 -21 -27 -32 -4 -4 -12 -8',
      '7 3 9 5 -1 -6 1 116 59 -7 -48 -68 4 20 9 -2',
    ],
  },
}
