import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { LogLines } from './log-lines.js'

function written(...lines: readonly (readonly [string, string])[]): string[] {
  const texts: string[] = []
  const log = new LogLines(['gateway', 'chat@left'], (text) => texts.push(stripVTControlCharacters(text)))
  for (const [name, line] of lines) log.line(name, line)
  return texts
}

it('puts the name in front, all of one width', () => {
  expect(written(['gateway', 'a'], ['chat@left', 'b'])).toEqual(['gateway   │ a\n', 'chat@left │ b\n'])
})

it('shows of a line of JSON what it says, and what is not known already', () => {
  const line = JSON.stringify({
    level: 30,
    time: 1,
    name: 'gateway',
    msg: 'ready',
    url: 'http://x',
    epoch: 3,
  })
  expect(written(['gateway', line])).toEqual(['gateway   │ ready url=http://x epoch=3\n'])
})

it('shows what only looks like JSON as it is', () => {
  expect(written(['gateway', '{ not json'])).toEqual(['gateway   │ { not json\n'])
})
