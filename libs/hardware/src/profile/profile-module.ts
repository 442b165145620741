import type { KernelProfile, StepProfile } from './kernel-profile.js'

const INDENT = '  '

/** A profile as a TypeScript module in the repository's format: one line a row, so that a change of the data is readable. */
export function profileModule(
  name: string,
  type: 'KernelProfile' | 'StepProfile',
  profile: KernelProfile | StepProfile,
): string {
  return [
    '// Written by tools/fit-hardware.mjs from measurements that stay outside of the repository. Do not edit.',
    `import type { ${type} } from '../profile/kernel-profile.js'`,
    '',
    '// biome-ignore format: one line a row of a table',
    `export const ${name}: ${type} = ${literal(profile, '')}`,
    '',
  ].join('\n')
}

function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "\\'")}'`
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = indent + INDENT
  if (Array.isArray(value)) {
    if (isNumbers(value)) return `[${value.join(', ')}]`
    return `[\n${value.map((item) => `${inner}${literal(item, inner)},\n`).join('')}${indent}]`
  }
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value)
  const fields = entries.map(([key, item]) => `${key}: ${literal(item, inner)}`)
  if (entries.every(([, item]) => typeof item === 'number' || isNumbers(item)))
    return `{ ${fields.join(', ')} }`
  const short = entries.every(([, item]) => typeof item !== 'object' || isNumbers(item))
  if (short && entries.length < 4) return `{ ${fields.join(', ')} }`
  return `{\n${fields.map((field) => `${inner}${field},\n`).join('')}${indent}}`
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}
