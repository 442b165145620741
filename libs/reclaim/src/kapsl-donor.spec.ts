import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { kapslDonor } from './kapsl-donor.js'

interface Case {
  readonly id: string
  readonly registered: readonly number[]
  readonly requesting_engine_id: number
  readonly blocks_needed: number
  readonly request_priority: number
  readonly lowest_running_priority: Readonly<Record<string, number>>
  readonly freeable_blocks: Readonly<Record<string, number>>
  readonly kapsl_donor: number | null
}

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const shared = process.env['KVASIR_SHARED'] ?? resolve(repository, '../shared')
const file = resolve(shared, 'data/seed-workloads/kapsl-budgets.json')
const present = existsSync(file)
if (!present)
  console.warn(
    'SKIPPED: the recorded donors of the earlier system need kapsl-budgets.json under KVASIR_SHARED',
  )

const cases: readonly Case[] = present ? JSON.parse(readFileSync(file, 'utf8')).donors : []

describe.skipIf(!present)('the recorded donors of the earlier system', () => {
  it('are all there', () => expect(cases).toHaveLength(22))

  it.each(cases.map((recorded) => [recorded.id, recorded] as const))(
    'are reproduced exactly: %s',
    (_, recorded) => {
      const donor = kapslDonor({
        registered: recorded.registered.map(String),
        requester: String(recorded.requesting_engine_id),
        needed: recorded.blocks_needed,
        priority: recorded.request_priority,
        lowestRunning: new Map(Object.entries(recorded.lowest_running_priority)),
        freeable: new Map(Object.entries(recorded.freeable_blocks)),
      })
      expect(donor).toBe(recorded.kapsl_donor === null ? null : String(recorded.kapsl_donor))
    },
  )
})
