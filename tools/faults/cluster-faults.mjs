// Kills parts of a real cluster under load and checks what must hold: --help says how. The apps must be built (npm run build).
import { main } from '../../apps/cli/dist/live/faults/main.js'

process.exit(await main(process.argv.slice(2)))
