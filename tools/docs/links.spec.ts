import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { checkDocument } from './check-document.js'
import { Repository } from './repository.js'

/** Text and code stay together: what a document of this repository names is there. */
const repository = new Repository(fileURLToPath(new URL('../../', import.meta.url)))

describe('documents name only what exists', () => {
  it.each(repository.documents.map((document) => [document]))('%s', (document) => {
    expect(checkDocument(repository, document)).toEqual([])
  })
})

describe('checkDocument', () => {
  const root = mkdtempSync(join(tmpdir(), 'kvasir-docs-'))
  afterAll(() => rmSync(root, { recursive: true }))

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }

  function problems(document: string, text: string): string[] {
    write('libs/heap/src/deep/heap.ts', 'export class Heap {}\n')
    write('docs/laws.md', '# Laws\n\n## Order, and time\n\n## Order, and time\n')
    write(document, text)
    return checkDocument(new Repository(root), document)
  }

  it.each([
    ['a link', '[heap](../libs/heap/src/deep/heap.ts)'],
    ['a link to a heading', '[order](laws.md#order-and-time) and [again](laws.md#order-and-time-1)'],
    ['a link elsewhere', '[paper](https://example.org/none)'],
    ['a path', '`libs/heap/src/deep/heap.ts`, `libs/heap/`'],
    ['a pattern', '`he*.ts`'],
    ['the end of a path', '`deep/heap.ts`'],
    ['what a run writes', '`out/NAME`, `summary.json`'],
    ['a quotation', '[heap](../libs/heap/src/deep/heap.ts): `Heap`, "export class"'],
    ['anything in a code block', '```\n[x](nowhere.md) `libs/none.ts`\n```'],
  ])('accepts %s', (_what, text) => {
    expect(problems('docs/a.md', text)).toEqual([])
  })

  it.each([
    ['a link that leads nowhere', '[x](none.md)', 'none.md leads nowhere'],
    ['an image that is not there', '<img src="images/none.svg">', 'images/none.svg leads nowhere'],
    ['a heading that is not there', '[x](laws.md#chance)', 'docs/laws.md has no heading #chance'],
    ['a path that is not there', '`libs/none/src/a.ts`', 'there is no file libs/none/src/a.ts'],
    ['a file that is not there', '`none.ts`', 'there is no file none.ts'],
    [
      'a wrong quotation',
      '[heap](../libs/heap/src/deep/heap.ts): `Heap`, `Pile`',
      'libs/heap/src/deep/heap.ts does not contain "Pile"',
    ],
  ])('refuses %s', (_what, text, problem) => {
    expect(problems('docs/a.md', text)).toEqual([`docs/a.md:1: ${problem}`])
  })

  it("looks for a library's files in that library", () => {
    expect(problems('libs/heap/README.md', '`heap.ts`')).toEqual([])
    expect(problems('libs/stack/README.md', '`heap.ts`')).toEqual([
      'libs/stack/README.md:1: there is no file heap.ts',
    ])
  })
})
