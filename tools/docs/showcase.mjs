/**
 * Brings the README's examples up to date: runs the default scenario, puts what the command prints (shortened) into the README, and
 * draws the picture from its reports; with `--live` the table of a live cluster instead, best on a machine without other load.
 *
 *   node tools/docs/showcase.mjs [--live]
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
/** Before the code blocks that hold the output. */
const MARKER = '<!-- printed by `npx kvasir simulate`; tools/docs/showcase.mjs -->'
const LIVE_MARKER = '<!-- printed by `npx kvasir up --demo`; tools/docs/showcase.mjs --live -->'
const COLUMNS = 110

const results = mkdtempSync(join(tmpdir(), 'kvasir-showcase-'))
const text = readFileSync(readme, 'utf8')
if (process.argv.includes('--live')) {
  const printed = kvasir(['up', '--demo', '--fresh', '--port', '0'], { KVASIR_STATE: results })
  writeFileSync(readme, withOutput(text, LIVE_MARKER, tableOf(printed)))
} else {
  const printed = kvasir(['simulate', '--no-trace', '--out', results])
  writeFileSync(readme, withOutput(text, MARKER, shortened(printed)))
  mkdirSync(images, { recursive: true })
  for (const [theme, svg] of Object.entries(pictures(results)))
    writeFileSync(join(images, `three-models-${theme}.svg`), svg)
}
rmSync(results, { recursive: true })

function kvasir(args, env = {}) {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'apps/cli/bin/kvasir.js'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`kvasir ${args[0]} ended with ${status}`)
  return stdout
}

/** What follows the load: the table and the sentences under it, without the processes' log. */
function tableOf(output) {
  const lines = output.trimEnd().split('\n')
  const rule = lines.findIndex((line) => line.startsWith('──'))
  if (rule < 1) throw new Error('the demo printed no table')
  return lines.slice(rule - 1).join('\n')
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

function withOutput(document, marker, output) {
  const [before, after] = document.split(`${marker}\n`)
  const end = after?.indexOf('\n```\n') ?? -1
  if (end < 0) throw new Error(`README.md has no code block after ${marker}`)
  return `${before}${marker}\n\`\`\`\n${output}${after.slice(end)}`
}
