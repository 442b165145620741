import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeJsonAtomic } from '@kvasir/event-log'
import { BadInput } from '../../bad-input.js'
import type { Terminal } from '../simulate.js'
import type { TaskQueueFlags } from './flags.js'
import { queueDocument } from './queue-document.js'
import { queueText } from './queue-text.js'
import { readTasks, type TaskWorkload } from './read-tasks.js'

/** Tasks that queue for a cluster, from options to a table and, where asked for, a file. @throws {BadInput} */
export function simulateQueue(flags: TaskQueueFlags, { out, notes }: Terminal): void {
  if (flags.output !== undefined) checkOutput(flags.output)
  const workloads = readWorkloads(flags.workloads)
  for (const note of flags.notes) notes.write(`${note}\n`)
  const document = queueDocument(workloads, flags)
  if (flags.output !== undefined) writeJsonAtomic(flags.output, document)
  out.write(`${flags.json ? JSON.stringify(document, null, 2) : queueText(document)}\n`)
  if (flags.output !== undefined) notes.write(`results in ${flags.output}\n`)
}

/** Their names are keys of the results. */
function readWorkloads(namesOrFiles: readonly string[]): readonly TaskWorkload[] {
  const workloads = namesOrFiles.map(readTasks)
  const names = workloads.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) {
    throw new BadInput(`--workload has two that are called ${twice}; each must have a name of its own`)
  }
  return workloads
}

/** Found before anything is run. */
function checkOutput(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BadInput(`--output is ${path}, a folder; it must be a file`)
  }
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) {
    throw new BadInput(`--output is ${path}; its folder ${dirname(path)} must exist`)
  }
}
