import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { parseDocument, type TaskLine, taskLineSchema } from '@kvasir/contracts'
import { secondsToMicros } from '@kvasir/kernel'
import { type Task, taskModels, taskWorkload, taskWorkloadNames } from '@kvasir/simulation'
import { BadInput } from '../../bad-input.js'
import { readText } from '../../input/read-document.js'

export interface TaskWorkload {
  readonly name: string
  readonly tasks: readonly Task[]
}

/** More than these say nothing new about a broken file. */
const MAX_PROBLEMS = 5

/** Tasks of a workload that comes with the command, or of a JSONL file. @throws {BadInput} naming file, line and field. */
export function readTasks(nameOrFile: string): TaskWorkload {
  const name = taskWorkloadNames.find((known) => known === nameOrFile.toLowerCase())
  if (name !== undefined) return { name, tasks: taskWorkload(name) }
  if (!existsSync(nameOrFile)) {
    throw new BadInput(
      `--workload is "${nameOrFile}"; it must be one of ${taskWorkloadNames.join(', ')}, or a file with a task in each line`,
    )
  }
  return { name: basename(nameOrFile).replace(/\.jsonl$/, ''), tasks: parseTasks(nameOrFile) }
}

function parseTasks(path: string): readonly Task[] {
  const lines = readText(path)
    .split('\n')
    .map((text, i) => ({ text: text.trim(), where: `${path} line ${i + 1}` }))
    .filter(({ text }) => text !== '')
  if (lines.length === 0) throw new BadInput(`${path}: is empty; it must have a task in each line`)
  const seen = new Map<string, string>()
  const tasks: Task[] = []
  const problems: string[] = []
  for (const { text, where } of lines) {
    const line = parseLine(text)
    if (line.kind === 'refused') problems.push(...line.problems.map((problem) => `${where}: ${problem}`))
    else {
      problems.push(...misfits(line.value, seen).map((problem) => `${where}: ${problem}`))
      seen.set(line.value.id, where)
      tasks.push(taskOf(line.value))
    }
  }
  if (problems.length > 0) throw new BadInput(shortened(problems))
  return tasks
}

function parseLine(text: string): ReturnType<typeof parseDocument<TaskLine>> {
  try {
    return parseDocument(taskLineSchema, JSON.parse(text))
  } catch {
    return { kind: 'refused', problems: ['not valid JSON; it must be one object, such as {"id": "a", …}'] }
  }
}

/** What the line alone does not show to be wrong. */
function misfits({ id, model }: TaskLine, seen: ReadonlyMap<string, string>): readonly string[] {
  const first = seen.get(id)
  return [
    ...(first === undefined ? [] : [`id is "${id}", as in ${first}; it must be a name of its own`]),
    ...(taskModels.includes(model)
      ? []
      : [`model is "${model}"; it must be one of ${taskModels.join(', ')}: others have no estimate`]),
  ]
}

function taskOf({ id, model, weight, arrival_s, phase, tokens, tp }: TaskLine): Task {
  return { id, model, weight, arrivalUs: secondsToMicros(arrival_s), phase, tokens, tp }
}

function shortened(problems: readonly string[]): readonly string[] {
  const more = problems.length - MAX_PROBLEMS
  return more > 0 ? [...problems.slice(0, MAX_PROBLEMS), `and ${more} more problems`] : problems
}
