import {
  activeParameterCount,
  type Gpu,
  gpus,
  kvBytesPerToken,
  type Model,
  models,
  modelSource,
  parameterCount,
  profiledGpus,
  weightBytes,
} from '@kvasir/hardware'
import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'

interface RawOptions {
  readonly json?: true
}

/** What Kvasir knows by name. */
export function addCatalogCommand(program: Command): void {
  const catalog = program
    .command('catalog')
    .summary('the GPUs and models that are known by name')
    .description(
      'Lists what scenarios and predictions can name, with the facts they are computed from and where these are from.',
    )
  catalog
    .command('gpus')
    .summary('GPUs: data-sheet peaks, links, whether measured')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  kvasir catalog gpus\n  kvasir catalog gpus --json')
    .action(({ json }: RawOptions) => {
      const facts = gpus.map((gpu) => ({ ...gpu, profiled: profiledGpus.includes(gpu.name) }))
      process.stdout.write(json ? `${JSON.stringify(facts, undefined, 2)}\n` : gpusText())
    })
  catalog
    .command('models')
    .summary('models: shape, parameters, weights, KV')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  kvasir catalog models\n  kvasir catalog models --json')
    .action(({ json }: RawOptions) => {
      const facts = models.map((model) => ({ ...model, ...derived(model), source: modelSource(model) }))
      process.stdout.write(json ? `${JSON.stringify(facts, undefined, 2)}\n` : modelsText())
    })
}

function gpusText(): string {
  const tera = (value: number | undefined, digits = 0) =>
    value === undefined ? '-' : (value / 1e12).toFixed(digits)
  const giga = (value: number) => String(Math.round(value / 1e9))
  const table = renderTable({
    header: [
      'GPU',
      'memory GB',
      'TB/s',
      'bf16 TFLOP/s',
      'fp8',
      'peers GB/s',
      'host GB/s',
      'SMs',
      'W',
      'measured',
    ],
    align: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
    rows: gpus.map((gpu) => [
      gpu.name,
      (gpu.memoryBytes / 1e9).toFixed(1),
      tera(gpu.memoryBytesPerSecond, 2),
      tera(gpu.flopsPerSecond.bf16),
      tera(gpu.flopsPerSecond.fp8),
      `${giga(gpu.peerLink.bytesPerSecond)} ${gpu.peerLink.kind}`,
      `${giga(gpu.hostLink.bytesPerSecond)} ${gpu.hostLink.kind}`,
      String(gpu.multiprocessors),
      String(gpu.watts),
      profiledGpus.includes(gpu.name) ? 'yes' : '',
    ]),
  })
  return `${table.trimEnd()}\n\nLinks are per direction; rates are dense. Sources:\n${gpus.map(sourceLine).join('\n')}\n`
}

function sourceLine({ name, source }: Gpu): string {
  return `  ${name}: ${source}`
}

function derived(model: Model) {
  return {
    parameters: parameterCount(model),
    activeParameters: activeParameterCount(model),
    weightBytes: weightBytes(model),
    kvBytesPerToken: kvBytesPerToken(model),
  }
}

function modelsText(): string {
  const billions = (value: number) => (value / 1e9).toFixed(1)
  const table = renderTable({
    header: [
      'model',
      'billion',
      'active',
      'layers',
      'attention',
      'context',
      'weights',
      'GB',
      'KV KB/token',
      'source',
    ],
    align: ['left', 'right', 'right', 'right', 'left', 'right', 'left', 'right', 'right', 'left'],
    rows: models.map((model) => {
      const { parameters, activeParameters, weightBytes: bytes, kvBytesPerToken: kvBytes } = derived(model)
      return [
        model.name,
        billions(parameters),
        billions(activeParameters),
        String(model.layers),
        attentionText(model),
        model.contextTokensMax.toLocaleString('en'),
        model.weightDtype,
        billions(bytes),
        (kvBytes / 1000).toFixed(0),
        modelSource(model),
      ]
    }),
  })
  return `${table.trimEnd()}\n\nA name with -FP8 at its end is the model with 8-bit weights.\n`
}

function attentionText({ attention }: Model): string {
  if (attention.kind === 'latent') return `${attention.queryHeads} latent`
  const window =
    attention.slidingWindowTokens === undefined ? '' : `, window ${attention.slidingWindowTokens}`
  return `${attention.queryHeads}/${attention.kvHeads} x ${attention.headDim}${window}`
}
