import { poolSettingsSchema } from '@kvasir/contracts'
import { it } from 'vitest'
import { runDamping } from './compare-damping.js'

it('x', () => {
  for (const load of [0.9, 1.1, 1.3])
    for (const [name, s] of Object.entries({
      damped: {},
      undamped: { deadZone: 0, movePerRound: 1 },
      dead: { movePerRound: 1 },
      cap: { deadZone: 0 },
    })) {
      const r = [1, 2, 3].map((seed) =>
        runDamping({ load, rounds: 600, seed, settings: poolSettingsSchema.parse({ reserveShare: 0, ...s }) }),
      )
      console.log(load, name, r.map((x) => `${(x.evicted * 100).toFixed(3)}% ${x.utilisation.toFixed(5)} ${x.jain.toFixed(4)}`).join(' | '))
    }
})
