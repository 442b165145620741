import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimFolder } from './state-folder.js'

/** Above every process id that Linux gives. */
const NOBODY = 2 ** 22 + 1

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvasir-state-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('gives a folder to one cluster at a time, and to the next when it was given back', () => {
  const giveBack = claimFolder(folder)
  expect(() => claimFolder(folder)).toThrow(
    `a cluster is being started or stopped here (process ${process.pid} has ${join(folder, 'up.pid')})`,
  )
  giveBack()
  claimFolder(folder)()
  expect(existsSync(join(folder, 'up.pid'))).toBe(false)
})

it('takes a folder over from a process that is no more', () => {
  writeFileSync(join(folder, 'up.pid'), String(NOBODY))
  claimFolder(folder)()
})
