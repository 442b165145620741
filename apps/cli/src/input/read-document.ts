import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { parse as parseToml, TomlError } from 'smol-toml'
import { parseDocument as parseYaml } from 'yaml'
import { BadInput } from '../bad-input.js'

/** Extensions a scenario may have; JSON is YAML. */
export const documentExtensions = ['.yaml', '.yml', '.json', '.toml'] as const

/**
 * Reads YAML, JSON or TOML by the file's extension. @throws {BadInput} naming the file and, for bad syntax, the
 * line.
 */
export function readDocument(path: string): unknown {
  const extension = extname(path).toLowerCase()
  if (!documentExtensions.some((known) => known === extension)) {
    throw new BadInput(`${path}: a scenario's name must end in one of ${documentExtensions.join(', ')}`)
  }
  const text = readText(path)
  return extension === '.toml' ? readToml(path, text) : readYaml(path, text)
}

/** The text of a file. @throws {BadInput} when there is none. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new BadInput(`${path}: no such file`)
    if (code === 'EISDIR') throw new BadInput(`${path}: is a folder; name a file in it`)
    throw new BadInput(`${path}: cannot be read (${error instanceof Error ? error.message : String(error)})`)
  }
}

function readYaml(path: string, text: string): unknown {
  const document = parseYaml(text, { prettyErrors: true })
  const [error] = document.errors
  if (error !== undefined) {
    // The library's message goes on with an excerpt of the file; the first line says what and where.
    throw new BadInput(`${path}: not valid YAML: ${error.message.split('\n')[0].replace(/:$/, '')}`)
  }
  return document.toJS()
}

function readToml(path: string, text: string): unknown {
  try {
    return parseToml(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const what = error.message.split('\n')[0]
    throw new BadInput(`${path}: not valid TOML: ${what} at line ${error.line}, column ${error.column}`)
  }
}
