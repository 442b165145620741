import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where what we bring for ourselves lies. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kvasir', name)
}

/**
 * Debian's packages, fetched and unpacked into a folder, unless it `holds` already what they bring. Nothing of the system is changed
 * but, where the package lists are missing and we are root, these lists.
 * @throws {Error} when they cannot be fetched.
 */
export async function unpackDebian(
  packages: readonly string[],
  folder: string,
  holds: (folder: string) => boolean,
): Promise<void> {
  mkdirSync(join(folder, '..'), { recursive: true })
  const scratch = mkdtempSync(`${folder}-`)
  try {
    await download(packages, scratch)
    const tree = join(scratch, 'tree')
    for (const name of readdirSync(scratch).filter((file) => file.endsWith('.deb')))
      await run('dpkg', ['-x', join(scratch, name), tree])
    // Into a folder beside, then renamed: somebody else may be doing the same.
    if (!holds(folder)) renameSync(tree, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function download(packages: readonly string[], folder: string): Promise<void> {
  const fetch = () => run('apt-get', ['download', ...packages], { cwd: folder })
  try {
    await fetch()
  } catch (error) {
    if (process.getuid?.() !== 0) throw error
    await run('apt-get', ['update'])
    await fetch()
  }
}
