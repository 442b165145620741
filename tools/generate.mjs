/**
 * Writes the generated files of the repository, or with `--check` tells which are out of date.
 *
 * The contracts decide what there is: `libs/contracts/src/generate.ts` exports `generatedFiles`, a record from path (relative to
 * the repository's root, such as `schemas/scenario.schema.json`) to text, or to a value that is written as JSON. The document about
 * what a run writes is made from the same schemas.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { resultFilesDocument, TRACE_SOURCE } from './docs/result-files.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const check = process.argv.includes('--check')

const wanted = await wantedFiles()
const stale = Object.keys(wanted).filter((path) => read(path) !== wanted[path])
const obsolete = generatedFolder().filter((path) => !(path in wanted))

if (check) {
  for (const path of [...stale, ...obsolete]) console.error(`out of date: ${path}`)
  if (stale.length + obsolete.length > 0) {
    console.error('run `npm run generate` and commit the result')
    process.exit(1)
  }
} else {
  for (const path of stale) write(path, wanted[path])
  for (const path of obsolete) rmSync(join(root, path))
  for (const path of [...stale, ...obsolete]) console.log(path)
}

async function wantedFiles() {
  if (!existsSync(join(root, 'libs/contracts/src/generate.ts'))) return {}
  const tsc = join(root, 'node_modules/@typescript/native/bin/tsc')
  const build = spawnSync(process.execPath, [tsc, '--build', 'libs/contracts/tsconfig.lib.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (build.status !== 0) process.exit(1)
  const { generatedFiles } = await import(pathToFileURL(join(root, 'libs/contracts/dist/generate.js')).href)
  const document = resultFilesDocument(generatedFiles, read(TRACE_SOURCE))
  const files = { ...generatedFiles, 'docs/summary.md': document }
  const text = (value) => (typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`)
  return Object.fromEntries(Object.entries(files).map(([path, value]) => [path, text(value)]))
}

/** Everything in `schemas/` is generated: what is no longer wanted there is removed. */
function generatedFolder() {
  const folder = join(root, 'schemas')
  return existsSync(folder) ? readdirSync(folder).map((name) => `schemas/${name}`) : []
}

function read(path) {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
}

function write(path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
