import type { StepAnswer } from '@kvasir/contracts'
import { renderTable } from '@kvasir/report'

const partNames = [
  ['layers', 'layersUs'],
  ['attention', 'attentionUs'],
  ['communication', 'communicationUs'],
  ['vocabulary', 'headUs'],
  ['host', 'hostUs'],
] as const

/** One answer for a person. */
export function stepText(answer: StepAnswer): string {
  const { gpu, model, tp, host, us, parts, computeUs, memoryUs, tokens } = answer
  const share = (part: number) => (us === 0 ? '' : `${((100 * part) / us).toFixed(1)} %`)
  const rows = partNames.map(([name, member]) => [name, millis(parts[member]), share(parts[member])])
  const table = renderTable({
    header: ['part', 'ms', 'share'],
    align: ['left', 'right', 'right'],
    rows: [...rows, ['step', millis(us), '']],
  })
  const perSecond = Math.round((tokens * 1e6) / us).toLocaleString('en')
  return [
    `${model} on ${tp} ${gpu}, host ${host}: ${millis(us)} ms for ${tokens.toLocaleString('en')} tokens, ${perSecond} tokens/s`,
    '',
    table.trimEnd(),
    '',
    `at the data sheet's peaks: arithmetic ${millis(computeUs)} ms, memory ${millis(memoryUs)} ms`,
    `times from ${sourceText(answer)}`,
    '',
  ].join('\n')
}

/** Several answers, a line each, in the order of the questions. */
export function stepsText(answers: readonly StepAnswer[]): string {
  return renderTable({
    header: ['GPU', 'TP', 'model', 'tokens', 'ms', ...partNames.map(([name]) => name), 'times from'],
    align: ['left', 'right', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
    rows: answers.map((answer) => [
      answer.gpu,
      String(answer.tp),
      answer.model,
      answer.tokens.toLocaleString('en'),
      millis(answer.us),
      ...partNames.map(([, member]) => millis(answer.parts[member])),
      sourceText(answer),
    ]),
  })
}

function sourceText({ source, sourceGpu }: StepAnswer): string {
  if (source === 'profile') return `the measured profile of ${sourceGpu}`
  return source === 'roofline' ? 'the roofline alone' : `the roofline, with what was measured on ${sourceGpu}`
}

function millis(us: number): string {
  return (us / 1000).toFixed(3)
}
