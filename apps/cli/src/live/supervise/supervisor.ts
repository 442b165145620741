import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClusterTrouble } from '../cluster-trouble.js'
import { type Part, urlOf } from '../profiles.js'
import type { ProcessRecord } from '../state-folder.js'
import type { LogLines } from './log-lines.js'
import { Supervised } from './supervised.js'

/** From src/live/supervise and from dist/live/supervise alike. */
const appsFolder = fileURLToPath(new URL('../../../../', import.meta.url))

/** The app of a part. */
const apps: Readonly<Record<Part['kind'], string>> = {
  group: 'tp-group',
  coordinator: 'coordinator',
  engine: 'engine',
  gateway: 'gateway',
}

/** Who ends first: nobody loses whom it still needs. */
const stopOrder: readonly Part['kind'][] = ['gateway', 'engine', 'coordinator', 'group']

export interface SupervisorOptions {
  readonly parts: readonly Part[]
  /** Folder of the profiles. */
  readonly folder: string
  readonly log: LogLines
  /** The state of a process has changed. */
  changed(): void
  /** A process will not run with its profile. */
  refused(name: string): void
}

/** The processes of a cluster. */
export class Supervisor {
  readonly #processes: readonly Supervised[]

  /** @throws {ClusterTrouble} when an app is not built. */
  constructor({ parts, folder, log, changed, refused }: SupervisorOptions) {
    mkdirSync(folder, { recursive: true })
    this.#processes = parts.map((part) => {
      const profile = join(folder, `${part.name}.json`)
      writeFileSync(profile, `${JSON.stringify(part.profile, undefined, 2)}\n`)
      return new Supervised({
        name: part.name,
        kind: part.kind,
        url: urlOf(part),
        args: ['--enable-source-maps', programOf(part.kind), '--profile', profile],
        line: (text) => log.line(part.name, text),
        changed,
        refused: () => refused(part.name),
      })
    })
  }

  get records(): readonly ProcessRecord[] {
    return this.#processes.map(({ record }) => record)
  }

  start(): void {
    for (const process of this.#processes) process.start()
  }

  /** Ends all of them, kind after kind. */
  async stop(): Promise<void> {
    for (const kind of stopOrder)
      await Promise.all(
        this.#processes.filter((process) => process.kind === kind).map((process) => process.stop()),
      )
  }
}

function programOf(kind: Part['kind']): string {
  const program = join(appsFolder, apps[kind], 'dist/main.js')
  if (!existsSync(program))
    throw new ClusterTrouble(`${program} is not built; run \`npm run build\` in the repository`)
  return program
}
