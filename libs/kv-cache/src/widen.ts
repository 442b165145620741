import type { Bytes } from '@kvasir/kernel'

/** A copy with room for `length` elements; the new ones hold `filler`. */
export function widen(values: Int32Array, length: number, filler = 0): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(length)
  if (filler !== 0) wider.fill(filler, values.length)
  wider.set(values)
  return wider
}

/** What arrays take together. */
export function bytesOf(arrays: readonly Int32Array[]): Bytes {
  return arrays.reduce((sum, array) => sum + array.byteLength, 0)
}
