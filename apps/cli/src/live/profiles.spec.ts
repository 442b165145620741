import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { BadInput } from '../bad-input.js'
import { chooseAddresses, processNames, refusePort } from './addresses.js'
import { type ClusterFile, readClusterFile } from './cluster-file.js'
import { clusterKey, type Part, partsOf, urlOf } from './profiles.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-cluster-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function partsFor({ scenario, plan }: ClusterFile): Promise<readonly Part[]> {
  const names = processNames(plan, 2)
  const addresses = await chooseAddresses(0, names.coordinators, [...names.groups, ...names.engines])
  const store = { socket: '/redis.sock' }
  return partsOf({
    scenario,
    plan,
    addresses,
    coordinators: 2,
    store,
    folder: '/state',
    speedUp: 1,
    log: 'info',
  })
}

it('makes a process of every group, coordinator and engine of the shipped cluster, and one gateway', async () => {
  const parts = await partsFor(readClusterFile())
  expect(parts.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'group group-left',
    'group group-right',
    'coordinator coordinator-1',
    'coordinator coordinator-2',
    'engine chat@left',
    'engine chat@right',
    'engine code@left',
    'engine code@right',
    'engine report@left',
    'engine report@right',
    'gateway gateway',
  ])
  expect(new Set(parts.map(urlOf)).size).toBe(parts.length)
})

it('tells everybody the same of pools, and the gateway where engines are', async () => {
  const parts = await partsFor(readClusterFile())
  const profiles = new Map(parts.map((part) => [part.name, part]))
  const group = profiles.get('group-left')
  const engine = profiles.get('code@left')
  const coordinator = profiles.get('coordinator-2')
  const gateway = profiles.get('gateway')
  if (group?.kind !== 'group' || engine?.kind !== 'engine') throw new Error('parts have other kinds')
  if (coordinator?.kind !== 'coordinator' || gateway?.kind !== 'gateway') throw new Error('so have these')
  const [left] = coordinator.profile.pools
  expect(left).toEqual({ ...engine.profile.pool, device: group.profile.listen })
  expect(engine.profile.device).toBe(group.profile.listen)
  expect(engine.profile).toMatchObject({ share: 0.4, serving: { stepTokenLimit: 512 } })
  expect(coordinator.profile.models.map(({ name, pools }) => [name, pools])).toContainEqual([
    'code',
    ['left', 'right'],
  ])
  expect(gateway.profile.engines).toContainEqual({ engine: 'code@left', model: 'code', url: urlOf(engine) })
  expect(gateway.profile.coordinators).toContain(urlOf(coordinator))
  expect(coordinator.profile.grpc).toEqual({ socket: '/state/rpc+2.sock' })
})

it('needs neither a name nor requests, and keeps the data of other clusters apart', () => {
  const text = (tp: number) =>
    `cluster: { groups: [{ id: a, gpu: H100, tp: ${tp} }] }\nmodels: [{ name: chat, architecture: Llama-3.1-8B }]\n`
  const one = readClusterFile(file('mine.yaml', text(1)))
  expect(one.plan).toMatchObject({ name: 'mine', engines: [{ id: 'chat@a' }] })
  const two = readClusterFile(file('yours.yaml', text(2)))
  expect(clusterKey(one.plan)).not.toBe(clusterKey(two.plan))
  expect(clusterKey(one.plan)).toBe(clusterKey(readClusterFile(file('mine.yaml', text(1))).plan))
})

it.each([
  ['no models', 'cluster: { preset: h100_16gpu }\n', /models is missing/],
  [
    'a GPU nobody knows',
    'cluster: { groups: [{ id: a, gpu: H1000, tp: 1 }] }\nmodels: [{ name: c, architecture: Llama-3.1-8B }]\n',
    /H1000/,
  ],
  ['a field nobody knows', 'modles: []\n', /modles is not a known field/],
])('refuses a file with %s, naming it', (_what, text, says) => {
  const path = file('wrong.yaml', text)
  expect(() => readClusterFile(path)).toThrow(BadInput)
  expect(() => readClusterFile(path)).toThrow(says)
  expect(() => readClusterFile(path)).toThrow(path)
})

it('refuses a port that is taken, and one that does not exist', async () => {
  const { gateway } = await chooseAddresses(0, [], [])
  const taken = await import('node:net').then(({ createServer }) =>
    createServer().listen(gateway, '127.0.0.1'),
  )
  await new Promise((resolve) => taken.once('listening', resolve))
  await expect(chooseAddresses(gateway, [], [])).rejects.toThrow(`port ${gateway} cannot be used`)
  taken.close()
  expect(() => refusePort({ port: 65_535, coordinators: 1 })).toThrow(
    '--port is 65535; it must be at most 65534',
  )
  expect(() => refusePort({ port: 65_534, coordinators: 1 })).not.toThrow()
})
