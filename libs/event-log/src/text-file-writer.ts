import { closeSync, openSync, writeSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { invariant } from '@kvasir/kernel'
import { fileTrouble } from './operational-error.js'

const DEFAULT_CHUNK_CHARS = 256 * 1024

/** Fast, and within a few percent of the best that gzip makes of JSON lines. */
const GZIP_LEVEL = 3

/**
 * Writes a text file from front to back in large chunks, synchronously: the simulator is synchronous and cannot wait for
 * a stream to drain, and memory stays bounded by one chunk whatever is written. What the file held before is gone.
 */
export class TextFileWriter {
  readonly path: string
  readonly #chunkChars: number
  readonly #gzip: boolean
  #descriptor: number | undefined
  #pending: string[] = []
  #pendingChars = 0
  #bytes = 0

  /**
   * @param options.chunkChars characters collected before a write.
   * @param options.gzip packed, each write as a member of its own: what was written before a crash can be unpacked.
   * @throws {OperationalError} when the file cannot be made.
   */
  constructor(path: string, options: { readonly chunkChars?: number; readonly gzip?: boolean } = {}) {
    this.path = path
    this.#chunkChars = options.chunkChars ?? DEFAULT_CHUNK_CHARS
    this.#gzip = options.gzip ?? false
    this.#descriptor = this.#attempt(() => openSync(path, 'w'))
  }

  /** @throws {OperationalError} when the file cannot be written; what was given until then may be lost. */
  write(text: string): void {
    invariant(this.#descriptor !== undefined, () => `${this.path} is closed already`)
    this.#pending.push(text)
    this.#pendingChars += text.length
    if (this.#pendingChars >= this.#chunkChars) this.flush()
  }

  /** Hands everything collected to the operating system. */
  flush(): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined || this.#pendingChars === 0) return
    const text = Buffer.from(this.#pending.join(''))
    const bytes = this.#gzip ? gzipSync(text, { level: GZIP_LEVEL }) : text
    this.#pending = []
    this.#pendingChars = 0
    this.#attempt(() => {
      // A write may take less than it was given (a pipe, a disk that fills up); the second attempt tells why.
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset)
    })
    this.#bytes += bytes.length
  }

  /** Bytes handed to the operating system so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Flushes and closes; a second call does nothing. The file is closed even when the flush fails. */
  close(): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    try {
      this.flush()
    } finally {
      this.#descriptor = undefined
      this.#attempt(() => closeSync(descriptor))
    }
  }

  #attempt<T>(action: () => T): T {
    try {
      return action()
    } catch (cause) {
      throw fileTrouble('write', this.path, cause)
    }
  }
}
