import type { Menu } from './menu.js'

/** Words of sums to look at, up to which an answer is exact: about 4 ms of work. */
const WORDS_MAX = 4_000_000

let sums = new Uint32Array(1 << 10)

/**
 * Most bundles, at most `room`, that one dish of each menu or none can add up to: bit b of a row of words says that b bundles can be
 * freed, and a dish of d bundles moves the row by d. Hot path: points x room / 32 operations, nothing allocated once it has grown.
 *
 * @returns null when that would be too many.
 */
export function mostWithin(menus: readonly Menu[], room: number): number | null {
  const words = Math.floor(room / 32) + 1
  const points = menus.reduce((sum, { bundles }) => sum + bundles.length, 0)
  if (points * words > WORDS_MAX) return null
  if (sums.length < words) sums = new Uint32Array(2 * words)
  sums.fill(0, 0, words)
  sums[0] = 1
  for (const { bundles } of menus) if (bundles.length > 0) addMenu(bundles, words)
  for (let freed = room; freed > 0; freed--) if ((sums[freed >>> 5] >>> (freed & 31)) & 1) return freed
  return 0
}

/** From the top down, so that the words below are still those without this menu. */
function addMenu(bundles: readonly number[], words: number): void {
  // Read once: a variable of the module is looked up again at every use.
  const row = sums
  for (let word = words - 1; word >= 0; word--) {
    const before = row[word]
    let after = before
    for (let k = 0; k < bundles.length; k++) {
      const from = word - (bundles[k] >>> 5)
      if (from < 0) break
      const shift = bundles[k] & 31
      const same = from === word ? before : row[from]
      after |= same << shift
      if (shift > 0 && from > 0) after |= row[from - 1] >>> (32 - shift)
    }
    row[word] = after
  }
}
