import { invariant, SeededRng } from '@kvasir/kernel'
import type { DivisionInput } from '../division.js'
import { type InstanceShape, randomInput } from './instances.js'

export interface Sweep {
  readonly seed: number
  readonly name: string
  readonly runs: number
  readonly shape: InstanceShape
}

/** @throws {InvariantError} naming seed, stream, run and input when `check` answers what is wrong. */
export function sweepInputs(
  { seed, name, runs, shape }: Sweep,
  check: (input: DivisionInput, rng: SeededRng) => string | undefined,
): void {
  const rng = new SeededRng(seed, name)
  for (let run = 0; run < runs; run++) {
    const input = randomInput(rng, shape)
    const wrong = check(input, rng)
    invariant(
      wrong === undefined,
      () => `seed ${seed}, stream ${name}, run ${run}: ${wrong} in ${JSON.stringify(input)}`,
    )
  }
}
