import { BadInput } from '../bad-input.js'

/** Refuses a name that nothing has: an empty table would say that all is well. @param known names there are. @throws {BadInput} */
export function refuseUnknown(option: string, name: string | undefined, known: readonly string[]): void {
  if (name === undefined || known.includes(name)) return
  const names = [...new Set(known)].sort().join(', ')
  throw new BadInput(
    `${option} is ${JSON.stringify(name)}; ${names === '' ? 'there are none' : `it must be one of ${names}`}`,
  )
}
