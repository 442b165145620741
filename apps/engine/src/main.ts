import { engineProfileSchema } from '@kvasir/contracts'
import { runProcess } from '@kvasir/platform'
import { start } from './start.js'

await runProcess({ name: 'engine', schema: engineProfileSchema, start })
