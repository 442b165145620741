import { dtypeSchema, hostPresetNameSchema, type LengthsSpec, type StepQuestion } from '@kvasir/contracts'
import { defaultSchedulerConfig } from '@kvasir/scheduler'
import { fittedTraceNames } from '@kvasir/simulation'
import type { Command } from 'commander'
import { BadInput } from '../bad-input.js'
import { readKernelProfiles } from '../input/kernel-profile.js'
import { readSnapshotLines } from '../plan/read-snapshots.js'
import { capacityText } from '../predict/capacity-text.js'
import { type CapacityQuestion, predictCapacity } from '../predict/predict-capacity.js'
import { parseStepQuestion, StepPredictor, stepProblems } from '../predict/predict-step.js'
import { findServing } from '../predict/served-model.js'
import { decodeGroups, prefillChunks } from '../predict/step-groups.js'
import { stepsText, stepText } from '../predict/step-text.js'
import { oneOf, wholeNumber } from '../simulate/flags.js'

interface RawServingOptions {
  readonly gpu?: string
  readonly model?: string
  readonly tp: string
  readonly dtype?: string
  readonly kvDtype?: string
  readonly enginePreset: string
  readonly json?: true
}

interface RawStepOptions extends RawServingOptions {
  readonly decode?: readonly string[]
  readonly prefill?: readonly string[]
  readonly basis: string
  readonly profile?: readonly string[]
  readonly input?: string
}

interface RawCapacityOptions extends RawServingOptions {
  readonly prompt?: string
  readonly output?: string
  readonly mix?: string
  readonly rate?: string
  readonly stepTokens: string
  readonly sequences: string
  readonly blocks?: string
}

/** What a model on a group of GPUs will take, without running a cluster. */
export function addPredictCommand(program: Command): void {
  const predict = program
    .command('predict')
    .summary('how long a step takes, and how much an engine can serve')
    .description(
      'Predicts from the catalogue and the step-time model. docs/accuracy.md says how far off it is.',
    )
  addStep(predict)
  addCapacity(predict)
}

function withServingOptions(command: Command): Command {
  return command
    .option('--gpu <name>', 'GPU in the catalogue (kvasir catalog gpus)')
    .option('--model <name>', 'model in the catalogue (kvasir catalog models)')
    .option('--tp <n>', 'tensor-parallel degree: GPUs in the group', '1')
    .option(
      '--dtype <name>',
      `format of the weights (${dtypeSchema.options.join(', ')}); the checkpoint's by default`,
    )
    .option('--kv-dtype <name>', "format of the KV cache; the checkpoint's by default")
    .option(
      '--engine-preset <name>',
      `CPU cost of a step (${hostPresetNameSchema.options.join(', ')})`,
      'vllm-async',
    )
}

function addStep(predict: Command): void {
  withServingOptions(predict.command('step'))
    .summary('time of one forward pass, and its parts')
    .description(
      'Predicts one forward pass. Its parts add up to its time. A file named with --input asks one question a line and is answered\nin its order; nothing is answered unless every line is good.',
    )
    .option('--decode <group...>', 'SEQUENCESxCONTEXT: one token for each, such as 64x1024')
    .option(
      '--prefill <chunk...>',
      'TOKENS@COMPUTED: prompt tokens after so many computed ones, such as 512@0',
    )
    .option('--basis <name>', 'profile, or roofline to leave measurements out', 'profile')
    .option(
      '--profile <files...>',
      'GPUs that were measured (tools/calibrate), in place of what ships for them',
    )
    .option('--input <file>', 'questions, one a line (schemas/predict-step.schema.json)')
    .option('--json', 'print JSON, one answer a line with --input')
    .addHelpText(
      'after',
      `
Examples:
  kvasir predict step --gpu h100 --model llama-3.1-70b --tp 4 --decode 64x1024
  kvasir predict step --gpu h100 --model llama-3.1-70b --tp 4 --dtype fp8 --decode 32x1024 8x8192 --prefill 512@0 --json
  kvasir predict step --gpu h200 --model llama-3.1-8b --profile my-h200.json --decode 64x1024
  kvasir predict step --input questions.jsonl --json

  questions.jsonl:
  {"gpu": "h100", "model": "llama-3.1-70b", "tp": 4, "decode": [{"sequences": 64, "contextTokens": 1024}]}
  {"gpu": "h100", "model": "llama-3.1-8b", "tp": 1, "prefill": [{"tokens": 512, "computedTokens": 2048}]}`,
    )
    .action(async (options: RawStepOptions) => {
      const predictor = new StepPredictor(readKernelProfiles(options.profile ?? []))
      if (options.input === undefined) {
        const answer = predictor.answer(stepQuestion(options))
        process.stdout.write(options.json ? `${JSON.stringify(answer, undefined, 2)}\n` : stepText(answer))
        return
      }
      const questions: StepQuestion[] = []
      for await (const question of readSnapshotLines(options.input, parseStepQuestion))
        questions.push(question)
      const answers = questions.map((question) => predictor.answer(question))
      const lines = answers.map((answer) => `${JSON.stringify(answer)}\n`).join('')
      process.stdout.write(options.json ? lines : stepsText(answers))
    })
}

const option = (name: string) => `--${{ kvDtype: 'kv-dtype', host: 'engine-preset' }[name] ?? name}`

function stepQuestion(raw: RawStepOptions): StepQuestion {
  const question: StepQuestion = {
    ...servingNames(raw),
    host: oneOf('--engine-preset', raw.enginePreset, hostPresetNameSchema.options),
    basis: oneOf('--basis', raw.basis, ['profile', 'roofline']),
    decode: decodeGroups(raw.decode ?? []),
    prefill: prefillChunks(raw.prefill ?? []),
  }
  const problems = stepProblems(question, option)
  if (problems.length > 0) throw new BadInput(problems)
  return question
}

function servingNames({ gpu, model, tp, dtype, kvDtype }: RawServingOptions) {
  const missing = [
    ...(gpu === undefined ? ['--gpu is missing; it must be a GPU of the catalogue, such as h100'] : []),
    ...(model === undefined
      ? ['--model is missing; it must be a model of the catalogue, such as llama-3.1-70b']
      : []),
  ]
  if (gpu === undefined || model === undefined) throw new BadInput(missing)
  return {
    gpu,
    model,
    tp: wholeNumber('--tp', tp, 1),
    ...(dtype === undefined ? {} : { dtype: oneOf('--dtype', dtype, dtypeSchema.options) }),
    ...(kvDtype === undefined ? {} : { kvDtype: oneOf('--kv-dtype', kvDtype, dtypeSchema.options) }),
  }
}

function addCapacity(predict: Command): void {
  const { stepTokenLimit, sequenceLimit } = defaultSchedulerConfig
  withServingOptions(predict.command('capacity'))
    .summary('KV memory, largest batch, largest sustainable rate')
    .description(
      [
        'Predicts what one engine alone on its group can serve: KV memory as vLLM would derive it, the largest batch, and the largest',
        'rate of a length mix at which the queue does not grow. The rate is found by bisection over runs of the scheduler itself.',
        'With --rate it says how near saturation that rate is, and what its latencies are.',
      ].join('\n'),
    )
    .option('--prompt <n>', 'prompt tokens of a request')
    .option('--output <n>', 'output tokens of a request')
    .option(
      '--mix <name>',
      `lengths fitted to a real trace, in place of them (${fittedTraceNames.join(', ')})`,
    )
    .option('--rate <n>', 'requests per second to judge')
    .option('--step-tokens <n>', 'most tokens one step computes', String(stepTokenLimit))
    .option('--sequences <n>', 'most sequences in one step', String(sequenceLimit))
    .option('--blocks <n>', 'KV blocks of 16 tokens, in place of what fits')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  kvasir predict capacity --gpu h100 --model llama-3.1-70b --tp 4 --prompt 1024 --output 256
  kvasir predict capacity --gpu h100 --model llama-3.1-8b --mix azure-conv --rate 20 --json`,
    )
    .action((options: RawCapacityOptions) => {
      const question = capacityQuestion(options)
      const answer = predictCapacity(question)
      process.stdout.write(
        options.json ? `${JSON.stringify(answer, undefined, 2)}\n` : capacityText(question, answer),
      )
    })
}

function capacityQuestion(raw: RawCapacityOptions): CapacityQuestion {
  const found = findServing(servingNames(raw), option)
  if (found.kind === 'refused') throw new BadInput(found.problems)
  return {
    serving: found.serving,
    host: oneOf('--engine-preset', raw.enginePreset, hostPresetNameSchema.options),
    stepTokenLimit: wholeNumber('--step-tokens', raw.stepTokens, 1),
    sequenceLimit: wholeNumber('--sequences', raw.sequences, 1),
    numGpuBlocks: raw.blocks === undefined ? undefined : wholeNumber('--blocks', raw.blocks, 1),
    ...lengthsOf(raw),
    ratePerS: raw.rate === undefined ? undefined : rateOf(raw.rate),
  }
}

function lengthsOf({ prompt, output, mix }: RawCapacityOptions): {
  prompt: LengthsSpec
  output: LengthsSpec
} {
  if (mix !== undefined) {
    if (prompt !== undefined || output !== undefined)
      throw new BadInput(`--mix is ${mix}; beside it --prompt and --output must be left out`)
    const law = { kind: 'fitted', trace: oneOf('--mix', mix, fittedTraceNames) } as const
    return { prompt: law, output: law }
  }
  if (prompt === undefined || output === undefined)
    throw new BadInput('lengths are missing; they must be --prompt N and --output N, or --mix NAME')
  return {
    prompt: { kind: 'fixed', tokens: wholeNumber('--prompt', prompt, 1) },
    output: { kind: 'fixed', tokens: wholeNumber('--output', output, 1) },
  }
}

function rateOf(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new BadInput(`--rate is "${text}"; it must be a number of requests per second above 0`)
  return value
}
