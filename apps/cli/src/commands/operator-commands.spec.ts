import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCommand } from '../run-command.js'

/** A coordinator that knows one pool, one engine and two models, one of them being drained. */
const terms = { weight: 1, guarantee: 0, limit: 1, priority: 0, preemptible: true }
const report = { name: 'report', revision: 4, ...terms, draining: true, engines: [] }
const answers: Readonly<Record<string, unknown>> = {
  'GET /v1/models': {
    models: [{ name: 'chat', revision: 0, ...terms, draining: false, engines: ['chat@left'] }, report],
  },
  'GET /v1/engines': { engines: [] },
  'GET /v1/budgets': { budgets: [] },
  'GET /v1/decisions': { decisions: [] },
  'GET /v1/pools': {
    pools: [
      {
        pool: 'left',
        owner: null,
        epoch: 1,
        round: 1,
        policy: 'weighted-max-min',
        observeOnly: false,
        bundles: 8,
        free: 8,
        leased: 0,
        reclaiming: 0,
        reserved: 0,
        quarantined: 0,
        capacityTokens: 1,
        engines: 0,
      },
    ],
  },
  'PUT /v1/models/report': { ...report, revision: 5 },
  'PATCH /v1/models/report': { ...report, revision: 6, draining: false },
}

let server: Server
let asked: string[]
let told: { out: string; err: string }
let state: string

beforeEach(async () => {
  asked = []
  told = { out: '', err: '' }
  server = createServer((request, response) => {
    const what = `${request.method} ${request.url?.replace(/[?].*/, '')}`
    asked.push(what)
    response.setHeader('content-type', 'application/json')
    response.statusCode = what in answers ? 200 : 404
    response.end(JSON.stringify(answers[what] ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state = join(mkdtempSync(join(tmpdir(), 'kvasir-')), 'state')
  vi.stubEnv('KVASIR_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  vi.stubEnv('KVASIR_STATE', state)
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((told.out += String(text))))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((told.err += String(text))))
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
  rmSync(join(state, '..'), { recursive: true, force: true })
})

/** Exit code and what was said of a command that is refused. */
async function refused(line: string): Promise<string> {
  expect(await runCommand(line.split(' '))).toBe(2)
  expect(told.out).toBe('')
  return told.err
}

describe('commands of operators', () => {
  it.each([
    ['engine list --pool nowhere', '--pool is "nowhere"; it must be one of left'],
    ['engine list --model nope', '--model is "nope"; it must be one of chat, report'],
    ['engine show nope', 'engine "nope" is in no pool; there are none'],
    ['budget list --pool nowhere', '--pool is "nowhere"; it must be one of left'],
    ['budget watch --pool nowhere', '--pool is "nowhere"; it must be one of left'],
    ['preempt list --pool nowhere', '--pool is "nowhere"; it must be one of left'],
    ['preempt list --engine nope', '--engine is "nope"; there are none'],
    [
      'model set chat --weight 2 --revision -1',
      '--revision is "-1"; it must be a whole number of at least 0',
    ],
    ['model set chat --weight 1.5', '--weight is 1.5; it must be a whole number of at least 1'],
    ['model set nope --weight 2', 'model "nope" is not registered; it must be one of chat, report'],
    ['model add chat', 'model "chat" is registered already; kvasir model set changes it'],
    ['pool list --watch 0', '--watch is "0"; it must be a number of seconds of at least 0.1'],
  ])('kvasir %s is refused with the field, its value and what would be right', async (line, says) => {
    expect(await refused(line)).toContain(`kvasir: ${says}`)
    expect(asked.every((what) => what.startsWith('GET'))).toBe(true)
  })

  it('have a model without a name refused', async () => {
    expect(await runCommand(['model', 'add', ' '])).toBe(2)
    expect(told.err).toBe('kvasir: model is " "; it must be the name that clients ask for\n')
  })

  it('show an empty table where a pool has no engines', async () => {
    expect(await runCommand(['engine', 'list', '--pool', 'left'])).toBe(0)
    expect(told.out).toBe('none\n')
  })

  it('register a model anew that was being drained, and drain it no more', async () => {
    expect(await runCommand(['model', 'add', 'report', '--json'])).toBe(0)
    expect(asked).toEqual(['GET /v1/models', 'PUT /v1/models/report', 'PATCH /v1/models/report'])
    expect(JSON.parse(told.out)).toMatchObject({ name: 'report', draining: false })
  })
})

describe('kvasir up', () => {
  it.each([
    ['up --port 65534', '--port is 65534; it must be at most 65533'],
    ['up --redis nonsense', '--redis is "nonsense"; it must be a URL, such as redis://127.0.0.1:6379'],
    ['up --embedded --redis redis://x', '--redis is redis://x; beside --embedded it must be left out'],
    ['up -f nowhere.yaml', '-f nowhere.yaml: no such file'],
  ])('refuses %s, and writes nothing', async (line, says) => {
    expect(await refused(line)).toContain(`kvasir: ${says}`)
    expect(existsSync(state)).toBe(false)
  })
})
