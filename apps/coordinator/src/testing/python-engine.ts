import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder, unpackDebian } from '@kvasir/redis-store'

const run = promisify(execFile)

/** Debian's, for Debian's Python: extension modules fit no other. */
const PYTHON = '/usr/bin/python3'
const packages = ['python3-grpcio', 'python3-protobuf', 'protobuf-compiler-grpc', 'protobuf-compiler']
const libraries = ['libprotobuf32', 'libprotoc32', 'libgrpc29', 'libabsl20220623', 'libc-ares2', 'libre2-9']

const repository = fileURLToPath(new URL('../../../../', import.meta.url))
const example = join(repository, 'infra/examples/python-engine')

/** What the example needs to run: environment variables, with which Python finds gRPC, and the shell the compiler. */
export type PythonEnv = Readonly<Record<string, string>>

/**
 * A Python with gRPC, and the protobuf compiler: those of the system, else Debian's packages, unpacked into the user's cache folder.
 * @throws {Error} when there are none and none can be had.
 */
export async function obtainPython(): Promise<PythonEnv> {
  if (!existsSync(PYTHON)) throw new Error(`there is no ${PYTHON}`)
  if (await works({})) return {}
  const folder = cacheFolder('python-grpc')
  if (!holds(folder)) await unpackDebian([...packages, ...libraries], folder, holds)
  const env = envOf(folder)
  if (await works(env)) return env
  throw new Error(`${PYTHON} cannot use what Debian's packages brought into ${folder}`)
}

function holds(folder: string): boolean {
  return existsSync(join(folder, 'usr/bin/grpc_python_plugin'))
}

function envOf(folder: string): PythonEnv {
  const lib = join(folder, 'usr/lib')
  return {
    PYTHONPATH: join(lib, 'python3/dist-packages'),
    LD_LIBRARY_PATH: readdirSync(lib)
      .map((name) => join(lib, name))
      .join(':'),
    PATH: `${join(folder, 'usr/bin')}:${process.env['PATH'] ?? ''}`,
  }
}

async function works(env: PythonEnv): Promise<boolean> {
  try {
    await run(PYTHON, ['-c', 'import grpc, google.protobuf'], { env: { ...process.env, ...env } })
    await run('sh', ['-c', 'command -v grpc_python_plugin && protoc --version'], {
      env: { ...process.env, ...env },
    })
    return true
  } catch {
    return false
  }
}

/** A line that the engine has printed. */
export type Told = Readonly<Record<string, unknown>> & { readonly event: string }

/** The example, in a process of its own. */
export class PythonEngine {
  readonly told: Told[] = []
  complaint = ''
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
    if (child.stdout)
      createInterface(child.stdout).on('line', (line) => this.told.push(JSON.parse(line) as Told))
    child.stderr?.on('data', (part: Buffer) => (this.complaint += part.toString()))
  }

  /** @param folder where the Python form of `proto/` is written. */
  static async start(env: PythonEnv, folder: string, args: readonly string[]): Promise<PythonEngine> {
    const whole = { ...process.env, ...env }
    await run(join(example, 'generate.sh'), [folder], { env: whole })
    const PYTHONPATH = [folder, env['PYTHONPATH']].filter(Boolean).join(':')
    const child = spawn(PYTHON, [join(example, 'engine.py'), ...args], {
      env: { ...whole, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new PythonEngine(child)
  }

  of(event: string): readonly Told[] {
    return this.told.filter((one) => one.event === event)
  }

  /** Tells it to leave. Answers its exit code. */
  async leave(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      await exit
    }
    return this.#child.exitCode
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
