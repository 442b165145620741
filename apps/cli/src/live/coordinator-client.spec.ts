import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BadInput } from '../bad-input.js'
import { ClusterTrouble } from './cluster-trouble.js'
import { CoordinatorClient } from './coordinator-client.js'

const chat = {
  name: 'chat',
  revision: 3,
  weight: 2,
  guarantee: 0.1,
  limit: 1,
  priority: 0,
  preemptible: true,
  draining: false,
  engines: ['chat@left'],
}

let server: Server
let answer: { readonly status: number; readonly body: unknown }
let asked: { readonly request: IncomingMessage; readonly body: string }[]
let client: CoordinatorClient

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => (body += String(data)))
    request.on('end', () => {
      asked.push({ request, body })
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  client = new CoordinatorClient(['http://127.0.0.1:1', `http://127.0.0.1:${port}`])
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it('asks another coordinator when one does not answer, and says on which revision a change is based', async () => {
  answer = { status: 200, body: { ...chat, weight: 5, revision: 4 } }
  expect(await client.patch('chat', { weight: 5 }, 3)).toMatchObject({ weight: 5, revision: 4 })
  const [{ request, body }] = asked
  expect([request.method, request.url, request.headers['if-match']]).toEqual([
    'PATCH',
    '/v1/models/chat',
    '"3"',
  ])
  expect(JSON.parse(body)).toEqual({ weight: 5 })
})

it('tells the operator what the coordinator refused', async () => {
  const error = { code: 'stale', message: 'revision is 3; the newest is 4', revision: 4 }
  answer = { status: 409, body: { error } }
  await expect(client.patch('chat', { weight: 5 }, 3)).rejects.toThrow(new BadInput(error.message))
})

it('knows trouble of the cluster from mistakes of the operator', async () => {
  answer = { status: 503, body: { error: { code: 'store_away', message: 'the store does not answer' } } }
  await expect(client.pools()).rejects.toThrow(ClusterTrouble)
  answer = { status: 200, body: { pools: [{ pool: 'left' }] } }
  await expect(client.pools()).rejects.toThrow(/not what this version of kvasir reads/)
})

it('names the models there are when one is not', async () => {
  answer = { status: 200, body: { models: [chat] } }
  await expect(client.model('caht')).rejects.toThrow('model "caht" is not registered; it must be one of chat')
})
