import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { MeasuredTable } from '@kvasir/hardware'
import { BadInput } from '../bad-input.js'

/** Measurements of others, as `data/profiles` of the shared data keeps them; its README says what each file is. */
export class MeasuredFolder {
  readonly path: string
  readonly #names: readonly string[]
  readonly #tables = new Map<string, MeasuredTable>()

  /** @throws {BadInput} when there is no such folder, or no table in it. */
  constructor(path: string) {
    if (!existsSync(path)) throw new BadInput(`--data ${path}: there is no such folder`)
    this.path = path
    this.#names = readdirSync(path).flatMap((name) =>
      name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : [],
    )
    if (this.#names.length === 0)
      throw new BadInput(
        `--data ${path}: it has no measured tables; it must be a folder of *${SUFFIX} files, such as data/profiles`,
      )
  }

  has(name: string): boolean {
    return this.#names.includes(name)
  }

  /** By its file name without `.csv.gz`. @throws {BadInput} when it cannot be read. */
  table(name: string): MeasuredTable {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    const file = join(this.path, `${name}${SUFFIX}`)
    try {
      const table = MeasuredTable.parse(gunzipSync(readFileSync(file)).toString('utf8'))
      this.#tables.set(name, table)
      return table
    } catch (error) {
      throw new BadInput(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Of those named, all that are there. */
  tables(names: readonly string[]): ReadonlyMap<string, MeasuredTable> {
    return new Map(names.filter((name) => this.has(name)).map((name) => [name, this.table(name)]))
  }
}

const SUFFIX = '.csv.gz'

/** Where the shared data lies unless somebody says otherwise. */
export function defaultMeasuredFolder(): string {
  const shared =
    process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../../../../shared', import.meta.url))
  return join(shared, 'data/profiles')
}
