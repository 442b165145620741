import { engineProcessSchema } from '@kvasir/contracts'
import { runProcess } from '@kvasir/platform'
import { startProcess } from './start-process.js'

await runProcess({ name: 'engine', schema: engineProcessSchema, start: startProcess })
