import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
}

/** Rows of the table under a header, cells without their backticks. */
function rowsUnder(header: string, document: string): string[][] {
  const [, after] = document.split(`\n${header}\n`)
  const lines = after.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('|'))
  return lines.slice(1, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  )
}

/** The lint rule's list, by project. */
function allowedImports(): Map<string, string[]> {
  const allowed = new Map<string, string[]>()
  const constraint = /"sourceTag": "scope:([\w-]+)",\s*"onlyDependOnLibsWithTags": \[([^\]]*)\]/g
  for (const [, project, tags] of read('.oxlintrc.json').matchAll(constraint))
    allowed.set(
      project,
      [...tags.matchAll(/scope:([\w-]+)/g)].map((tag) => tag[1]),
    )
  return allowed
}

describe('ARCHITECTURE.md', () => {
  const document = read('ARCHITECTURE.md')

  it('lists what each project may import as the lint rule has it', () => {
    const rows = rowsUnder('| project | may import |', document)
    const listed = rows.map(([project, imports]) => [project, imports.split(', ')] as const)
    expect(new Map(listed)).toEqual(allowedImports())
  })

  it('lists the classes of events in their order', () => {
    const source = read('libs/simulation/src/event-class.ts')
    const classes = [...source.matchAll(/^ {2}(\w+): (\d+),$/gm)].map(([, name, number]) => [number, name])
    const rows = rowsUnder('| class | event | why here |', document)
    expect(rows.map(([number, name]) => [number, name])).toEqual(classes)
  })
})
