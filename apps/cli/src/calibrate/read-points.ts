import { type CalibrationLine, calibrationLineSchema, parseDocument } from '@kvasir/contracts'
import { BadInput } from '../bad-input.js'

type Device = Extract<CalibrationLine, { kind: 'device' }>

export interface Measurements {
  readonly device: Device
  readonly points: readonly Exclude<CalibrationLine, Device>[]
}

const PROBLEMS_SHOWN = 8

/** Reads what measure.py prints: the device, then points. @throws {BadInput} naming the lines. */
export function readPoints(lines: readonly string[]): Measurements {
  const points: Exclude<CalibrationLine, Device>[] = []
  const problems: string[] = []
  let device: Device | undefined
  for (const [i, line] of lines.entries()) {
    const parsed = parseDocument(calibrationLineSchema, jsonOf(line))
    if (parsed.kind === 'refused')
      problems.push(...parsed.problems.map((problem) => `line ${i + 1}: ${problem}`))
    else if (parsed.value.kind === 'device') device = parsed.value
    else points.push(parsed.value)
  }
  if (problems.length > 0) throw new BadInput(problems.slice(0, PROBLEMS_SHOWN))
  if (device === undefined)
    throw new BadInput('no line is of kind "device"; the first must say what was measured')
  if (points.length === 0) throw new BadInput('there is no point; nothing was measured')
  return { device, points }
}

/** What is no JSON stays text, which the schema refuses by showing it. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}
