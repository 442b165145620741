import { createReadStream } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { fileTrouble } from './operational-error.js'

/** Large enough that a chunk costs more than the turn of the event loop that brings it. */
const READ_BYTES = 256 * 1024
/** RFC 1952, section 2.3.1: ID1, ID2. */
const GZIP_MAGIC = [0x1f, 0x8b] as const

/**
 * The text of a file in chunks, as large as they come, in constant memory. A gzip file is recognised by its first two bytes,
 * not by its name, and unpacked on the way (several members in one file too). UTF-8 that is cut by the border of a chunk is
 * put together again; a byte order mark is dropped; bytes that are not UTF-8 become U+FFFD. Pipes can be read like files.
 * @throws {OperationalError} `file_not_found`, `is_a_directory`, `permission_denied`, `truncated_gzip`, `corrupt_gzip` or
 * `read_failed`, from the iteration.
 */
export async function* readTextChunks(path: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  try {
    for await (const bytes of readBytes(path)) {
      const text = decoder.decode(bytes, { stream: true })
      if (text !== '') yield text
    }
    const rest = decoder.decode()
    if (rest !== '') yield rest
  } catch (cause) {
    throw fileTrouble('read', path, cause)
  }
}

/** The lines of a file, without their ends (`\n` or `\r\n`); a last line without an end counts, an empty rest does not. */
export async function* readLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = ''
  for await (const chunk of readTextChunks(path)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield withoutReturn(line)
  }
  if (rest !== '') yield withoutReturn(rest)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

async function* readBytes(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = rawChunks(path)
  try {
    const head = await firstBytes(file)
    if (GZIP_MAGIC.every((byte, i) => head[i] === byte)) yield* unpacked(startingWith(head, file))
    else yield* startingWith(head, file)
  } finally {
    // A reader that stops at the first bytes has not begun the rest: nothing else would close the file.
    await file.return()
  }
}

async function* unpacked(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  // The callback is only required; errors of either end surface in the iteration, and leaving it early destroys both.
  for await (const chunk of pipeline(Readable.from(packed), createGunzip(), () => {})) yield chunk
}

async function* rawChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) yield chunk
}

/** At least as many bytes as the magic has, unless the file is shorter: a pipe may bring them one by one. */
async function firstBytes(chunks: AsyncGenerator<Uint8Array, void, undefined>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0)
  while (head.length < GZIP_MAGIC.length) {
    const next = await chunks.next()
    if (next.done === true) break
    head = Buffer.concat([head, next.value])
  }
  return head
}

async function* startingWith(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head
  yield* rest
}
