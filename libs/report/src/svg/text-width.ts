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

/** `text`, or as much of it as fits with an ellipsis. */
export function fitText(text: string, width: number, fontSize = 11): string {
  if (textWidth(text, fontSize) <= width) return text
  const letters = [...text]
  while (letters.length > 1 && textWidth(`${letters.join('')}…`, fontSize) > width) letters.pop()
  return `${letters.join('')}…`
}

/** Coordinates with a tenth of a pixel: half the size of a file is its paths. */
export function px(value: number): number {
  return Math.round(value * 10) / 10
}
