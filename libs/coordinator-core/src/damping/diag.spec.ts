import { poolSettingsSchema } from '@kvasir/contracts'
import { it } from 'vitest'
import { NoisyPool } from './compare-damping.js'
import { noisyDemands } from './noisy-demand.js'

it('diag', () => {
  const settings = poolSettingsSchema.parse({ reserveShare: 0 })
  const pool = new NoisyPool(noisyDemands(1, [1, 1, 2, 2, 3, 4], { bundles: 1000, load: 1.1 }), 1000, settings)
  const loss = new Map<string, number>()
  const add = (k: string, n: number) => loss.set(k, (loss.get(k) ?? 0) + n)
  let usable = 0
  const reasons = new Map<string, number>()
  pool.onDecision = (d: any) => reasons.set(`${d.outcome}/${d.reason}/${(d.donations??[]).map((x: any) => x.class).sort().filter((x: any,i: any,a: any)=>a.indexOf(x)===i).join('+')}`, (reasons.get(`${d.outcome}/${d.reason}/${(d.donations??[]).map((x: any) => x.class).sort().filter((x: any,i: any,a: any)=>a.indexOf(x)===i).join('+')}`) ?? 0) + 1)
  for (let r = 0; r < 600; r++) {
    pool.trace = r === Number(process.env.TR) ? (line) => console.log("missing", line) : undefined
    pool.round(r)
    if (r < 20) continue
    const u = Math.min(1000, pool.demanded)
    usable += u
    const used = pool.engines.reduce((s, e) => s + e.inUse, 0)
    let missing = u - used
    if (missing <= 0) continue
    if (missing > 5) console.log(r, 'missing', missing, 'free', pool.machine.ledger.free, pool.engines.map((e) => `${e.name}: d${e.demand} h${e.held} l${pool.machine.ledger.leasedTo(e.name)} ent${pool.machine.members.find((m: any) => m.engine === e.name)!.entitledBundles} owes${pool.machine.ledger.owedBy(e.name)} ${e.state(pool.now)}`).join('  '))
    const held = pool.engines.reduce((s, e) => s + e.held, 0)
    add('free', Math.min(missing, 1000 - held))
    for (const e of pool.engines) {
      const lack = Math.min(missing, e.demand - e.held)
      if (lack <= 0) continue
      missing -= lack
      add(e.state(pool.now), lack)
    }
  }
  console.log(usable, Object.fromEntries([...loss].map(([k, v]) => [k, (v / usable * 100).toFixed(3) + '%'])), Object.fromEntries(reasons))
})
