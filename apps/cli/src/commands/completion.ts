import type { Command } from 'commander'
import { oneOf } from '../simulate/flags.js'

const shells = ['bash', 'zsh'] as const

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .summary('a script that completes commands and options in a shell')
    .argument('<shell>', `one of ${shells.join(', ')}`)
    .addHelpText('after', '\nExample:\n  source <(kvasir completion bash)')
    .action((shell: string) => {
      process.stdout.write(script(oneOf('shell', shell, shells), program))
    })
}

/** What may follow each chain of commands: `kvasir model` to `add set …`, and options where there are some. */
function words(command: Command, chain: string): readonly (readonly [string, string])[] {
  const names = command.commands.map((child) => child.name())
  const options = command.options.flatMap(({ long }) => long ?? [])
  return [
    [chain, [...names, ...options, '--help'].join(' ')],
    ...command.commands.flatMap((child) => words(child, `${chain} ${child.name()}`)),
  ]
}

/** Knows the commands of this version only; files are completed where nothing else fits. Arguments are passed over. */
function script(shell: (typeof shells)[number], program: Command): string {
  const cases = words(program, 'kvasir').map(([chain, next]) => `    '${chain}') echo '${next}' ;;`)
  const compat = shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []
  return `${[
    ...compat,
    '_kvasir_words() {',
    '  case $1 in',
    ...cases,
    '    *) return 1 ;;',
    '  esac',
    '}',
    '_kvasir() {',
    '  local chain=kvasir word',
    '  for word in "${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do',
    '    _kvasir_words "$chain $word" >/dev/null && chain="$chain $word"',
    '  done',
    '  COMPREPLY=($(compgen -W "$(_kvasir_words "$chain")" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _kvasir kvasir',
  ].join('\n')}\n`
}
