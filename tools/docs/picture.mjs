import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PLOT = 'KV memory'
const PANELS = [
  { folder: 'static', heading: 'static: each model keeps its share' },
  { folder: 'weighted-max-min', heading: 'weighted-max-min: memory follows demand' },
]
const HEADING_PX = 26
const MARGIN_PX = 12

/**
 * The README's picture from the reports of a comparison: the same plot under two policies, once for light and once for dark
 * paper, as the texts of SVG files by theme.
 *
 * @param results the comparison's folder.
 */
export function pictures(results) {
  const pages = PANELS.map(({ folder }) => readFileSync(join(results, folder, 'report.html'), 'utf8'))
  const style = /<style>([\s\S]*?)<\/style>/.exec(pages[0])?.[1] ?? ''
  const svg = picture(pages, style)
  return {
    light: resolveColours(svg, coloursIn(style, /:root\{([^}]*)\}/)),
    dark: resolveColours(svg, coloursIn(style, /prefers-color-scheme:dark\)\{:root\{([^}]*)\}/)),
  }
}

/** The panels below each other, each under its heading. */
function picture(pages, style) {
  const plots = pages.map(plotOf)
  const width = Math.max(...plots.map((plot) => plot.width)) + 2 * MARGIN_PX
  let y = MARGIN_PX
  const panels = plots.map((plot, i) => {
    const heading = `<text class="heading" x="${MARGIN_PX + 2}" y="${y + 15}">${PANELS[i].heading}</text>`
    const placed = `<svg x="${MARGIN_PX}" y="${y + HEADING_PX}" width="${plot.width}" height="${plot.height}"${plot.rest}`
    y += HEADING_PX + plot.height + MARGIN_PX
    return heading + placed
  })
  const rules = `${plotRules(style)}\n.heading{font:600 15px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:var(--ink)}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" role="img" aria-label="${PLOT} under two policies"><style>${rules}</style><rect width="${width}" height="${y}" rx="10" fill="var(--card)"/>${panels.join('')}</svg>\n`
}

/** A report's plot by its title, without what only the page's script reads. */
function plotOf(page) {
  const found = new RegExp(`<svg class="plot"[^>]*aria-label="${PLOT} [\\s\\S]*?</svg>`).exec(page)?.[0]
  if (found === undefined) throw new Error(`the report has no plot named ${PLOT}`)
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(found) ?? []
  const rest = found.slice('<svg'.length).replace(/ data-hover="[^"]*"/, '')
  return { width: Number(width), height: Number(height), rest }
}

function plotRules(style) {
  return style
    .split('\n')
    .filter((line) => line.startsWith('.plot'))
    .join('\n')
}

/** The theme's variables, by name. */
function coloursIn(style, block) {
  const declarations = block.exec(style)?.[1] ?? ''
  return new Map(
    [...declarations.matchAll(/(--[\w-]+):([^;}]+)/g)].map(([, name, value]) => [name, value.trim()]),
  )
}

/** Not every viewer of an SVG file knows CSS variables. */
function resolveColours(svg, colours) {
  return svg.replace(/var\((--[\w-]+)\)/g, (_, name) => {
    const colour = colours.get(name)
    if (colour === undefined) throw new Error(`the report's theme has no colour ${name}`)
    return colour
  })
}
