/**
 * Lints the workspace in the current folder: `node tools/lint/lint.mjs [oxlint arguments]`.
 *
 * The layer rule reads Nx's cached project graph and, where there is none, skips itself with a mere warning. So the graph is
 * brought up to date first, and a skipped rule is a failure.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bin = (name) => join('node_modules', '.bin', name)

const graph = spawnSync(bin('nx'), ['show', 'projects', '--json'], {
  encoding: 'utf8',
  env: { ...process.env, NX_DAEMON: 'false' },
})
if (graph.status !== 0) {
  process.stderr.write(`${graph.stdout ?? ''}${graph.stderr ?? graph.error ?? ''}\n`)
  process.stderr.write('lint: Nx could not compute the project graph, so layers cannot be checked\n')
  process.exit(1)
}

const lint = spawnSync(bin('oxlint'), ['--deny-warnings', ...process.argv.slice(2)], {
  encoding: 'utf8',
  maxBuffer: 64 * 2 ** 20,
})
process.stdout.write(lint.stdout)
process.stderr.write(lint.stderr)
if (`${lint.stdout}${lint.stderr}`.includes('The rule will be skipped')) {
  process.stderr.write('lint: the layer rule was skipped, so this run proves nothing\n')
  process.exit(1)
}
process.exit(lint.status ?? 1)
