import { benchEngine } from './engine.js'

const ROUNDS = 3

export interface ScaleRow {
  readonly what: string
  /** The best of the rounds. */
  readonly value: number
  readonly unit: 'ns/sequence' | 'us' | 'ms'
}

/** Time at the ends of what block size, pool and context may be; the work they take is counted in `scale.spec.ts` of the scheduler. */
export function scaleBench(): ScaleRow[] {
  return [
    ...[1, 16, 256].map(decodeWithBlocksOf),
    { what: 'map 1,048,576 blocks, prefix caching on', value: best(mapMillion), unit: 'ms' },
    decodeInMillionBlocks(),
    ...longContext(),
    ...supplyOfMillionBlocks(),
  ]
}

const MILLION = 2 ** 20

function decodeWithBlocksOf(blockSize: number): ScaleRow {
  const value = best(() => {
    const engine = benchEngine({
      blockSize,
      blocks: 256 * Math.ceil(1_300 / blockSize + 1),
      config: { prefixCaching: true, sequenceLimit: 256 },
    })
    return decodeNanos(engine, 256)
  })
  return {
    what: `decode 256 sequences, blocks of ${blockSize}, prefix caching on`,
    value,
    unit: 'ns/sequence',
  }
}

function mapMillion(): number {
  return timed(() => benchEngine({ blockSize: 16, blocks: MILLION, config: { prefixCaching: true } }))
}

function decodeInMillionBlocks(): ScaleRow {
  const value = best(() => {
    const engine = benchEngine({ blockSize: 16, blocks: MILLION, config: { prefixCaching: true } })
    return decodeNanos(engine, 256)
  })
  return {
    what: 'decode 256 sequences, pool of 1,048,576 blocks, prefix caching on',
    value,
    unit: 'ns/sequence',
  }
}

type Engine = ReturnType<typeof benchEngine>

/** Nanoseconds a sequence and step of steady decode. */
function decodeNanos(engine: Engine, sequences: number): number {
  for (let i = 0; i < sequences; i++) engine.submit(i, 100 + (i % 32), 1_160)
  engine.run(150)
  return (timed(() => engine.run(1_000)) * 1e6) / 1_000 / sequences
}

/** One sequence of a million tokens: prefilled in chunks of 8,192, decoding, and stopped. */
function longContext(): ScaleRow[] {
  const rows = { prefill: Infinity, decode: Infinity, stop: Infinity }
  for (let round = 0; round < ROUNDS; round++) {
    const engine = benchEngine({ blockSize: 16, blocks: 65_536, config: { prefixCaching: true } })
    engine.submit(0, 1_000_000, 10_000)
    const chunks = Math.ceil(1_000_000 / 8_192)
    rows.prefill = Math.min(rows.prefill, (timed(() => engine.run(chunks)) * 1_000) / chunks)
    engine.run(1_000)
    rows.decode = Math.min(rows.decode, timed(() => engine.run(5_000)) / 5)
    rows.stop = Math.min(
      rows.stop,
      timed(() => engine.scheduler.releaseBundles(0, engine.pool.bundles)),
    )
  }
  return [
    { what: 'prefill step of 8,192 tokens in a prompt of 1,000,000', value: rows.prefill, unit: 'us' },
    { what: 'decode step behind 1,000,000 tokens', value: rows.decode, unit: 'us' },
    { what: 'choose and stop a sequence of 1,000,000 tokens', value: rows.stop, unit: 'ms' },
  ]
}

/** 1,024 sequences that hold a million blocks in bundles of 8. */
function supplyOfMillionBlocks(): ScaleRow[] {
  const engine = benchEngine({
    blockSize: 16,
    blocks: MILLION + 16_384,
    blocksPerBundle: 8,
    config: { prefixCaching: false, stepTokenLimit: MILLION },
  })
  for (let i = 0; i < 1_024; i++) engine.submit(i, 16_384 - 256 + (i % 256), 4_096)
  while (engine.scheduler.waitingCount > 0) engine.run(1)
  engine.run(20)
  const curve = () => engine.scheduler.supplyCurve(0)
  const first = timed(curve)
  const later = best(() => {
    engine.run(16)
    return timed(curve)
  })
  return [
    { what: 'first supply curve over 1,048,576 blocks of 1,024 sequences', value: first, unit: 'ms' },
    { what: 'supply curve after 16 more steps, each sequence a block larger', value: later, unit: 'ms' },
    { what: 'supply curve when nothing changed', value: best(() => timed(curve)), unit: 'ms' },
  ]
}

/** Milliseconds. */
function timed(run: () => unknown): number {
  const started = performance.now()
  run()
  return performance.now() - started
}

function best(run: () => number): number {
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) least = Math.min(least, run())
  return least
}
