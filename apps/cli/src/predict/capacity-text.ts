import { regimeOf } from '@kvasir/metrics'
import { renderTable } from '@kvasir/report'
import type { CapacityAnswer, CapacityQuestion } from './predict-capacity.js'

export function capacityText({ serving, host }: CapacityQuestion, answer: CapacityAnswer): string {
  const { memory, capacity, overloadedRequestsPerS, atRate } = answer
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2)
  const whole = (value: number) => Math.round(value).toLocaleString('en')
  const { gpu, model, tp } = serving
  const rows: readonly (readonly [string, string])[] = [
    ['usable on each GPU', `${gigabytes(memory.usableBytesPerRank)} GB`],
    ['weights', `${gigabytes(memory.weightBytesPerRank)} GB`],
    ['activations of the largest step', `${gigabytes(memory.activationBytesPerRank)} GB`],
    ['runtime and graphs', `${gigabytes(memory.runtimeBytesPerRank)} GB`],
    [
      'KV',
      `${whole(memory.tokens)} tokens, ${whole(memory.blocks)} blocks, ${whole(memory.bundles)} bundles`,
    ],
    [
      'lengths, mean',
      `${whole(answer.promptTokensMean)} prompt, ${whole(answer.outputTokensMean)} output tokens`,
    ],
    ['largest batch', `${whole(answer.largestBatch)} sequences half way through their output`],
    [
      'largest sustainable rate',
      `${capacity.requestsPerS.toFixed(2)} requests/s, ${whole(capacity.outputTokensPerS)} output tokens/s`,
    ],
    ['served while overloaded', `${overloadedRequestsPerS.toFixed(2)} requests/s`],
  ]
  return [
    `${model.name} on ${tp} ${gpu.name}, host ${host}`,
    '',
    renderTable({ header: ['what', 'how much'], align: ['left', 'left'], rows }).trimEnd(),
    ...(atRate === undefined ? [] : ['', ...rateText(atRate)]),
    '',
  ].join('\n')
}

function rateText({
  ratePerS,
  load,
  ttftMs,
  tpotMs,
  e2eMs,
}: NonNullable<CapacityAnswer['atRate']>): string[] {
  const row = (name: string, { mean, p99 }: { readonly mean: number; readonly p99: number }) => [
    name,
    mean.toFixed(1),
    p99.toFixed(1),
  ]
  const table = renderTable({
    header: ['at that rate', 'mean ms', 'p99 ms'],
    align: ['left', 'right', 'right'],
    rows: [row('TTFT', ttftMs), row('TPOT', tpotMs), row('E2E', e2eMs)],
  })
  const regime = regimeOf(load)
  const warnings = {
    light: [],
    busy: [],
    'near saturation': ['Above 90 % a small error of the capacity becomes a large one of the latency.'],
    saturated: [
      'The queue grows as long as this rate lasts: the latencies are those of 2,000 requests, and grow with more.',
    ],
  }
  return [
    `${ratePerS} requests/s are ${(100 * load).toFixed(1)} % of the largest sustainable rate: ${regime}`,
    ...warnings[regime],
    table.trimEnd(),
  ]
}
