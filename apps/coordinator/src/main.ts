import { coordinatorProfileSchema } from '@kvasir/contracts'
import { runProcess } from '@kvasir/platform'
import { start } from './start.js'

await runProcess({ name: 'coordinator', schema: coordinatorProfileSchema, start })
