/**
 * Brings the README's example up to date: runs the default scenario, puts what the command prints (shortened) into the README, and
 * draws the picture from its reports.
 *
 *   node tools/docs/showcase.mjs
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pictures } from './picture.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const images = join(root, 'docs/images')
const readme = join(root, 'README.md')
/** Before the code block that holds the output. */
const MARKER = '<!-- printed by `npx kvasir simulate`; tools/docs/showcase.mjs -->'
const COLUMNS = 110

const results = mkdtempSync(join(tmpdir(), 'kvasir-showcase-'))
const text = readFileSync(readme, 'utf8')
writeFileSync(readme, withOutput(text, shortened(simulate(results))))
mkdirSync(images, { recursive: true })
for (const [theme, svg] of Object.entries(pictures(results)))
  writeFileSync(join(images, `three-models-${theme}.svg`), svg)
rmSync(results, { recursive: true })

function simulate(out) {
  const args = [join(root, 'apps/cli/bin/kvasir.js'), 'simulate', '--no-trace', '--out', out]
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`kvasir simulate ended with ${status}`)
  return stdout
}

/** The rows of the whole run and the verdict; the models' rows and the ends of long lines are left out. */
function shortened(output) {
  const lines = output.trimEnd().split('\n')
  const rules = lines.flatMap((line, i) => (line.startsWith('──') ? [i] : []))
  if (rules.length < 2) throw new Error('the comparison has no second rule: nothing to shorten')
  const verdict = lines.slice(lines.lastIndexOf('') + 1)
  return [...lines.slice(0, rules[1] + 1), '…', ...verdict.map(clipped)].join('\n')
}

function clipped(line) {
  if (line.length <= COLUMNS) return line
  return `${line.slice(0, line.lastIndexOf(' ', COLUMNS - 2))} …`
}

function withOutput(document, output) {
  const [before, after] = document.split(`${MARKER}\n`)
  const end = after?.indexOf('\n```\n') ?? -1
  if (end < 0) throw new Error(`README.md has no code block after ${MARKER}`)
  return `${before}${MARKER}\n\`\`\`\n${output}${after.slice(end)}`
}
