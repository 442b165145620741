/** A broken law of the design. Never caught below the process's edge. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * Always on. `message` is built only on failure and must carry the numbers.
 * @throws {InvariantError} when `condition` is false.
 */
export function invariant(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantError(message())
}

/** Marks a switch over a closed union as exhaustive; the compiler refuses a forgotten case. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`)
}
