import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { kvasirHere } from '../testing/kvasir-here.js'

/** What each shell is told before the script, so that functions for bash run in it. */
const PREPARED = { bash: '', zsh: 'autoload -U compinit; compinit -u -D; setopt ksharrays; ' }

describe.each(['bash', 'zsh'] as const)('the completion script in %s', (shell) => {
  const missing = spawnSync(shell, ['--version']).error !== undefined
  if (missing) console.warn(`${shell} is not installed: its completion is not tried`)

  it.skipIf(missing)('completes commands, commands of commands, and their options', async () => {
    const { out: script } = await kvasirHere(['completion', shell], { folder: '.' })
    const complete = (...words: string[]) =>
      execFileSync(
        shell,
        [
          '-c',
          `${PREPARED[shell]}${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kvasir; echo "\${COMPREPLY[@]}"`,
          shell,
          ...words,
        ],
        { encoding: 'utf8' },
      )
        .trim()
        .split(' ')
    // zsh itself leaves out what does not begin like the last word.
    expect(complete('kvasir', 'mod')).toContain('model')
    expect(complete('kvasir', 'model', 'l')).toContain('list')
    expect(complete('kvasir', 'model', 'l')).not.toContain('engine')
    expect(complete('kvasir', 'model', 'list', '--js')).toContain('--json')
    expect(complete('kvasir', 'model', 'drain', 'chat', '--j')).toContain('--json')
  })
})
