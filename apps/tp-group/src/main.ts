import { tpGroupProfileSchema } from '@kvasir/contracts'
import { runProcess } from '@kvasir/platform'
import { start } from './start.js'

await runProcess({ name: 'tp-group', schema: tpGroupProfileSchema, start })
