const INDENT = '  '

/** A profile as a TypeScript module in the repository's format: one line a row, so that a change of the data is readable. */
export function profileModule(name, type, profile) {
  return [
    '// Written by tools/fit-hardware.mjs from measurements that stay outside of the repository. Do not edit.',
    `import type { ${type} } from '../profile/kernel-profile.js'`,
    '',
    '// biome-ignore format: one line a row of a table',
    `export const ${name}: ${type} = ${literal(profile, '')}`,
    '',
  ].join('\n')
}

function literal(value, indent) {
  if (typeof value === 'string') return `'${value.replaceAll("'", "\\'")}'`
  if (typeof value !== 'object') return String(value)
  const inner = indent + INDENT
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === 'number')) return `[${value.join(', ')}]`
    return `[\n${value.map((item) => `${inner}${literal(item, inner)},\n`).join('')}${indent}]`
  }
  const entries = Object.entries(value)
  if (entries.every(([, item]) => typeof item === 'number' || isNumbers(item)))
    return `{ ${entries.map(([key, item]) => `${key}: ${literal(item, inner)}`).join(', ')} }`
  const short = entries.every(([, item]) => typeof item !== 'object' || isNumbers(item))
  const fields = entries.map(([key, item]) => `${key}: ${literal(item, inner)}`)
  if (short && entries.length < 4) return `{ ${fields.join(', ')} }`
  return `{\n${fields.map((field) => `${inner}${field},\n`).join('')}${indent}}`
}

function isNumbers(value) {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}
