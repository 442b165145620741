/**
 * Makes the picture of the README from a comparison's reports: the same plot under two policies, once for light and once for dark
 * paper.
 *
 *   npx kvasir simulate && node tools/docs/picture.mjs out/three-models
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PLOT = 'KV memory'
const PANELS = [
  { folder: 'static', heading: 'static: each model keeps its share' },
  { folder: 'weighted-max-min', heading: 'weighted-max-min: memory follows demand' },
]
const HEADING_PX = 26
const MARGIN_PX = 12

const results = process.argv[2]
if (results === undefined) {
  console.error('say which folder of results: node tools/docs/picture.mjs out/three-models')
  process.exit(2)
}
const images = fileURLToPath(new URL('../../docs/images/', import.meta.url))
const pages = PANELS.map(({ folder }) => readFileSync(join(results, folder, 'report.html'), 'utf8'))
const style = /<style>([\s\S]*?)<\/style>/.exec(pages[0])?.[1] ?? ''

mkdirSync(images, { recursive: true })
for (const [theme, colours] of [
  ['light', coloursIn(/:root\{([^}]*)\}/)],
  ['dark', coloursIn(/prefers-color-scheme:dark\)\{:root\{([^}]*)\}/)],
]) {
  const svg = resolveColours(picture(), colours)
  writeFileSync(join(images, `three-models-${theme}.svg`), svg)
  console.log(`docs/images/three-models-${theme}.svg: ${svg.length} characters`)
}

/** The panels below each other, each under its heading. */
function picture() {
  const plots = pages.map(plotOf)
  const width = Math.max(...plots.map((plot) => plot.width)) + 2 * MARGIN_PX
  let y = MARGIN_PX
  const panels = plots.map((plot, i) => {
    const heading = `<text class="heading" x="${MARGIN_PX + 2}" y="${y + 15}">${PANELS[i].heading}</text>`
    const placed = `<svg x="${MARGIN_PX}" y="${y + HEADING_PX}" width="${plot.width}" height="${plot.height}"${plot.rest}`
    y += HEADING_PX + plot.height + MARGIN_PX
    return heading + placed
  })
  const rules = `${plotRules()}\n.heading{font:600 15px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:var(--ink)}`
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

function plotRules() {
  return style
    .split('\n')
    .filter((line) => line.startsWith('.plot'))
    .join('\n')
}

/** The theme's variables, by name. */
function coloursIn(block) {
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
