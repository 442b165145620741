import { gatewayProfileSchema } from '@kvasir/contracts'
import { runProcess } from '@kvasir/platform'
import { start } from './start.js'

await runProcess({ name: 'gateway', schema: gatewayProfileSchema, start })
