import { readFileSync } from 'node:fs'
import { fileTrouble, OperationalError, writeBytesAtomic } from '@kvasir/event-log'
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'

/** A column of a table; null where a row has no such value. */
export type ParquetColumn =
  | { readonly name: string; readonly type: 'text'; readonly values: readonly (string | null)[] }
  | { readonly name: string; readonly type: 'number'; readonly values: readonly (number | null)[] }
  /** Whole numbers below 2^53. */
  | { readonly name: string; readonly type: 'whole'; readonly values: readonly (number | null)[] }

/**
 * Equal columns make equal bytes: nothing of the machine or the time is in the file.
 * @param facts name and value pairs in the file's metadata.
 */
export function writeParquet(
  path: string,
  columns: readonly ParquetColumn[],
  facts: ReadonlyMap<string, string> = new Map(),
): void {
  const buffer = parquetWriteBuffer({
    columnData: columns.map(({ name, type, values }) => {
      if (type === 'whole')
        return { name, type: 'INT64', data: values.map((value) => (value === null ? null : BigInt(value))) }
      return { name, type: type === 'text' ? 'STRING' : 'DOUBLE', data: [...values] }
    }),
    createdBy: 'kvasir',
    kvMetadata: [...facts].map(([key, value]) => ({ key, value })),
  })
  writeBytesAtomic(path, new Uint8Array(buffer))
}

export interface ParquetTable {
  /** Names of the columns in their order. */
  readonly columns: readonly string[]
  readonly rows: readonly ReadonlyMap<string, string | number | null>[]
}

/** @throws {OperationalError} when there is no such file or it is no Parquet. */
export async function readParquet(path: string): Promise<ParquetTable> {
  const bytes = readBytes(path)
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  try {
    const metadata = await parquetMetadataAsync(file)
    const objects = await parquetReadObjects({ file, metadata })
    const columns = metadata.schema.slice(1).map(({ name }) => name)
    const rows = objects.map((row) => new Map(columns.map((name) => [name, plainValue(row[name])])))
    return { columns, rows }
  } catch (cause) {
    throw new OperationalError('wrong_format', `${path} is no Parquet file that can be read`, { cause })
  }
}

function plainValue(value: unknown): string | number | null {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw fileTrouble('read', path, cause)
  }
}
