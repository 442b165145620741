/** Widths of sans-serif letters in ems, by class: close enough to keep labels apart without a font. */
const NARROW = /[iljtfrI.,:;'|!()[\]{} ]/
const WIDE = /[mwMW@%—]/
const CAPITAL = /[A-Z]/

/** Estimated width in px, rather too large than too small. */
export function textWidth(text: string, fontSize = 11): number {
  let ems = 0
  for (const letter of text) {
    ems += NARROW.test(letter) ? 0.36 : WIDE.test(letter) ? 0.9 : CAPITAL.test(letter) ? 0.7 : 0.6
  }
  return ems * fontSize
}

/**
 * `text`, or as much of its beginning and its end as fits around an ellipsis: names of one family differ at their ends.
 */
export function fitText(text: string, width: number, fontSize = 11): string {
  if (textWidth(text, fontSize) <= width) return text
  const letters = [...text]
  for (let kept = letters.length - 1; kept > 1; kept--) {
    const head = letters.slice(0, Math.ceil(kept / 2)).join('')
    const tail = letters.slice(letters.length - Math.floor(kept / 2)).join('')
    if (textWidth(`${head}…${tail}`, fontSize) <= width) return `${head}…${tail}`
  }
  return '…'
}

/** Coordinates with a tenth of a pixel: half the size of a file is its paths. */
export function px(value: number): number {
  return Math.round(value * 10) / 10
}
