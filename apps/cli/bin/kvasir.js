#!/usr/bin/env node
// The kvasir command. Builds first when sources have changed since the last build, then runs apps/cli/dist/main.js. `kvasir up` and
// what has `--live` run the other apps, so that these are built too.
// Whatever it has to say goes to stderr: stdout belongs to the command.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const dist = join(root, 'apps/cli/dist')
const runsApps = process.argv[2] === 'up' || process.argv.includes('--live')
const apps = runsApps ? appNames() : ['cli']
const stampFile = join(dist, apps.length > 1 ? '.sources-up' : '.sources')
const lock = join(dist, '.building')
const compiler = join(root, 'node_modules/@typescript/native/bin/tsc')

/** A build takes seconds; a lock this old was left by a machine that went away. */
const lockMsMax = 5 * 60_000

if (!upToDate()) withLock(() => upToDate() || build())
await import('../dist/main.js')

function upToDate() {
  const stamp = read(stampFile)
  if (stamp === undefined) return false
  const [print, ...outputs] = stamp.split('\n')
  return print === fingerprint() && outputs.every((file) => existsSync(join(root, file)))
}

/**
 * Every source with its size and time of change. Comparing the list, not the newest time, also notices a deleted file, one that
 * went back to an older version, and one saved while the build ran.
 */
function fingerprint() {
  const hash = createHash('sha1')
  const add = (file) => {
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat?.isFile()) hash.update(`${file}\0${stat.size}\0${stat.mtimeMs}\n`)
  }
  const addSources = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) addSources(join(folder, entry.name))
      else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts')) add(join(folder, entry.name))
    }
  }
  for (const name of ['package.json', 'tsconfig.base.json', 'tsconfig.pure.json']) add(join(root, name))
  for (const project of projects()) {
    for (const name of ['package.json', 'tsconfig.lib.json']) add(join(root, project, name))
    if (existsSync(join(root, project, 'src'))) addSources(join(root, project, 'src'))
  }
  return hash.digest('hex')
}

function appNames() {
  const isApp = (name) => existsSync(join(root, 'apps', name, 'tsconfig.lib.json'))
  return readdirSync(join(root, 'apps')).filter(isApp).sort()
}

function projects() {
  return [
    ...apps.map((name) => `apps/${name}`),
    ...readdirSync(join(root, 'libs'))
      .sort()
      .map((name) => `libs/${name}`),
  ]
}

function build() {
  if (!existsSync(compiler)) fail('dependencies are not installed; run `npm ci` in the repository first')
  process.stderr.write('building…\n')
  const print = fingerprint()
  rmSync(stampFile, { force: true })
  const args = [compiler, '--build', ...apps.map((name) => `apps/${name}/tsconfig.lib.json`)]
  const { status, signal, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (error) fail(`the build could not be started: ${error.message}`)
  if (signal) fail(`the build was stopped by ${signal}`)
  if (status !== 0) fail('the build failed; the errors are above')
  const outputs = projects().flatMap((project) => [`${project}/dist/index.js`, `${project}/dist/main.js`])
  const present = outputs.filter((file) => existsSync(join(root, file)))
  if (!present.includes('apps/cli/dist/main.js')) fail('the build wrote no apps/cli/dist/main.js')
  writeFileSync(`${stampFile}.${process.pid}`, [print, ...present].join('\n'))
  renameSync(`${stampFile}.${process.pid}`, stampFile)
}

/** One build at a time: others wait here and then find that theirs is done. */
function withLock(work) {
  mkdirSync(dist, { recursive: true })
  for (let waits = 0; !acquire(); waits++) {
    if (waits === 20) process.stderr.write('waiting for another build…\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  }
  // `fail` ends the process, so the lock is given back there too.
  process.once('exit', release)
  work()
  process.off('exit', release)
  release()
}

function acquire() {
  try {
    mkdirSync(lock)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    removeIfAbandoned()
    return false
  }
  writeFileSync(join(lock, 'owner'), String(process.pid))
  return true
}

function release() {
  rmSync(lock, { recursive: true, force: true })
}

/** Moves the lock of a dead process aside. The rename decides who does it when several try at once. */
function removeIfAbandoned() {
  const owner = read(join(lock, 'owner'))
  const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  if (age < lockMsMax && (owner ? isAlive(Number(owner)) : age < 2_000)) return
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch {
    return // someone else was faster
  }
  if (read(join(aside, 'owner')) !== owner) {
    // In between, another process had taken the lock afresh: hand it back.
    try {
      renameSync(aside, lock)
      return
    } catch {
      // and yet another has it by now; at worst two builds run at once
    }
  }
  rmSync(aside, { recursive: true, force: true })
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function fail(message) {
  process.stderr.write(`kvasir: ${message}\n`)
  process.exit(1)
}
