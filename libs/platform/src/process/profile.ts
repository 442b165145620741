import { readFileSync } from 'node:fs'
import { parseDocument } from '@kvasir/contracts'
import { fileTrouble } from '@kvasir/event-log'

/** A profile, or what comes with it, cannot be what it says: for the person who wrote it. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Reads an untyped document as what it should be: the type comes from a schema of contracts. */
export type Schema<T> = Parameters<typeof parseDocument<T>>[0]

/**
 * The profile that a process is started with: the JSON file after `--profile`, or named by `KVASIR_PROFILE`, or that variable itself
 * when it begins with a brace.
 * @throws {ProfileError} with one sentence for each thing that is wrong.
 */
export function readProfile<T>(
  schema: Schema<T>,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): T {
  const parsed = parseDocument(schema, documentIn(args, env))
  if (parsed.kind === 'refused') throw new ProfileError(parsed.problems)
  return parsed.value
}

function documentIn(
  args: readonly string[],
  { KVASIR_PROFILE }: Readonly<Record<string, string | undefined>>,
): unknown {
  const [option, path, ...rest] = args
  const wellFormed =
    option === undefined || (option === '--profile' && path !== undefined && rest.length === 0)
  if (!wellFormed)
    throw new ProfileError([`arguments are "${args.join(' ')}"; they must be --profile FILE, or none`])
  if (path !== undefined) return jsonFile(path)
  if (KVASIR_PROFILE === undefined || KVASIR_PROFILE === '')
    throw new ProfileError([
      'no profile is given; name a JSON file with --profile FILE, or with the environment variable KVASIR_PROFILE',
    ])
  return KVASIR_PROFILE.trimStart().startsWith('{')
    ? jsonIn(KVASIR_PROFILE, 'KVASIR_PROFILE')
    : jsonFile(KVASIR_PROFILE)
}

function jsonFile(path: string): unknown {
  try {
    return jsonIn(readFileSync(path, 'utf8'), path)
  } catch (cause) {
    if (cause instanceof ProfileError) throw cause
    throw new ProfileError([fileTrouble('read', path, cause).message])
  }
}

function jsonIn(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ProfileError([`${where} is not JSON: ${why}`])
  }
}
