import { posix } from 'node:path'
import { anchorsOf, type Mention, mentionsIn } from './markdown.js'
import { projectOf, type Repository } from './repository.js'

/** Endings of files that people write: a name in backticks with one of them must be a file. Results of a run have others. */
const SOURCE_ENDINGS = ['.ts', '.mjs', '.js']

/** What a document says of the repository and is not so, one sentence each. */
export function checkDocument(repository: Repository, document: string): string[] {
  return mentionsIn(repository.read(document)).flatMap((mention) => {
    const problem = problemOf(repository, document, mention)
    return problem === undefined ? [] : [`${document}:${mention.line}: ${problem}`]
  })
}

function problemOf(repository: Repository, document: string, mention: Mention): string | undefined {
  switch (mention.kind) {
    case 'link':
      return linkProblem(repository, document, mention.target)
    case 'code':
      return isPath(repository, mention.text) ? pathProblem(repository, document, mention.text) : undefined
    case 'quote':
      return quoteProblem(repository, document, mention)
  }
}

function linkProblem(repository: Repository, document: string, target: string): string | undefined {
  if (isElsewhere(target)) return undefined
  const [path, anchor] = target.split('#')
  const file = path === '' ? document : posix.join(posix.dirname(document), path)
  if (!repository.exists(file)) return `${target} leads nowhere`
  if (anchor === undefined || !file.endsWith('.md')) return undefined
  return anchorsOf(repository.read(file)).has(anchor) ? undefined : `${file} has no heading #${anchor}`
}

function isElsewhere(target: string): boolean {
  return /^[a-z]+:/.test(target)
}

/** `libs/kernel/src/rng.ts`, `formats/llmsched.ts`, `models-*.ts`; not `--out DIR` or `a / b`. */
function isPath(repository: Repository, text: string): boolean {
  if (!/^[\w.*@-]+(\/[\w.*@-]+)*\/?$/.test(text)) return false
  const [first, ...rest] = text.split('/')
  if (rest.length > 0 && repository.topFolders.has(first)) return true
  return SOURCE_ENDINGS.some((ending) => text.endsWith(ending))
}

function pathProblem(repository: Repository, document: string, path: string): string | undefined {
  const [first] = path.split('/')
  if (path.includes('/') && repository.topFolders.has(first) && !path.includes('*')) {
    if (repository.exists(path)) return undefined
  }
  return repository.contains(path, projectOf(document)) ? undefined : `there is no file ${path}`
}

function quoteProblem(
  repository: Repository,
  document: string,
  { target, text }: { readonly target: string; readonly text: string },
): string | undefined {
  const file = posix.join(posix.dirname(document), target)
  if (isElsewhere(target) || !repository.exists(file)) return undefined
  return repository.read(file).includes(text) ? undefined : `${file} does not contain ${JSON.stringify(text)}`
}
