import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { GoldenCase } from '@kvasir/scheduler'
import { BadInput } from '../bad-input.js'

/** A recorded case of the scheduler, json or gzip. @throws {BadInput} when it cannot be read or is none. */
export function readGoldenCase(path: string): GoldenCase {
  let value: unknown
  try {
    const bytes = readFileSync(path)
    value = JSON.parse((bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8'))
  } catch (error) {
    throw new BadInput(`${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isCase(value))
    throw new BadInput(`${path}: not a recorded case: it needs format 1, config, requests and expect`)
  return value
}

function isCase(value: unknown): value is GoldenCase {
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map(Object.entries(value))
  return (
    fields.get('format') === 1 &&
    typeof fields.get('config') === 'object' &&
    Array.isArray(fields.get('requests')) &&
    typeof fields.get('expect') === 'object'
  )
}
