/**
 * What the person at the keyboard can put right: named field, value and remedy. Ends the process with exit code 2.
 */
export class BadInput extends Error {
  override readonly name = 'BadInput'
  readonly problems: readonly string[]

  constructor(problems: readonly string[] | string) {
    const list = typeof problems === 'string' ? [problems] : problems
    super(list.join('\n'))
    this.problems = list
  }
}

/** Exit codes of the command. */
export const ExitCode = { Ok: 0, Failed: 1, BadInput: 2 } as const
