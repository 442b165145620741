import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
}

/** Names of all members anywhere in a JSON Schema. */
function memberNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const properties = Reflect.get(schema, 'properties')
  const own =
    typeof properties === 'object' && properties !== null && !Array.isArray(properties)
      ? Object.keys(properties)
      : []
  return [...own, ...Object.values(schema).flatMap(memberNames)]
}

it.each(['summary', 'trace', 'comparison'])(
  'docs/summary.md has a row for every field of %s.schema.json',
  (name) => {
    const document = read('docs/summary.md')
    const rows = new Set(
      [...document.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1].split('.').at(-1)),
    )
    const alike = new Set([...document.matchAll(/`(\w+)`/g)].map((match) => match[1]))
    const names = new Set(memberNames(JSON.parse(read(`schemas/${name}.schema.json`))))
    // `kind` tells the branches of a union apart: its values stand in the column of types.
    names.delete('kind')
    expect([...names].filter((member) => !rows.has(member) && !alike.has(member))).toEqual([])
  },
)
