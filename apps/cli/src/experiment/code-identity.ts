import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CodeIdentity } from '@kvasir/run-queue'
import { BadInput } from '../bad-input.js'
import { codeVersion } from './provenance.js'

const repository = fileURLToPath(new URL('../../../../', import.meta.url))

/** Characters of the digest that are kept: enough to tell apart all code there will be. */
const DIGITS = 12

/**
 * The code that this process runs, by its sources: checkouts of a commit have the same, one with changes has another. Where sources
 * are not shipped, or an image's tag says it better, `KVASIR_CODE` names it. @throws {BadInput} when that is no name.
 */
export function codeIdentity(): CodeIdentity {
  const { version, commit, dirty } = codeVersion()
  const place = commit === 'unknown' ? '' : ` at ${commit.slice(0, DIGITS)}${dirty ? ' with changes' : ''}`
  return { id: process.env['KVASIR_CODE'] ?? sourceDigest(), name: `kvasir ${version}${place}` }
}

/** @throws {BadInput} */
export function checkCode(name: string, id: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(id)) return id
  throw new BadInput(`${name} is ${JSON.stringify(id)}; it must be up to 64 letters, digits and hyphens`)
}

/** Of the command and of all libraries, without their specs. */
function sourceDigest(): string {
  const libs = join(repository, 'libs')
  const folders = existsSync(libs) ? readdirSync(libs).sort() : []
  const hash = createHash('sha256')
  for (const folder of ['apps/cli/src', ...folders.map((name) => `libs/${name}/src`)])
    for (const file of sourcesIn(folder))
      hash.update(`${file}\0`).update(readFileSync(join(repository, file)))
  return hash.digest('hex').slice(0, DIGITS)
}

/** Relative to the repository, sorted. */
function sourcesIn(folder: string): readonly string[] {
  if (!existsSync(join(repository, folder))) return []
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .sort()
    .map((file) => `${folder}/${file}`)
}
