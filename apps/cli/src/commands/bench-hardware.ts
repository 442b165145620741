import { renderTable } from '@kvasir/report'
import type { Command } from 'commander'
import { hardwareBench, type HardwareBenchResult, type HardwareBenchRow } from '../bench/hardware-bench.js'

export function addHardwareBench(bench: Command): void {
  bench
    .command('hardware')
    .summary('nanoseconds a step-time prediction')
    .description(
      'Measures how long the step-time model takes to predict a step and to be built, for models with and without a measured\nprofile. Best of 150 rounds of 20,000 predictions.',
    )
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  kvasir bench hardware\n  kvasir bench hardware --json > hardware.json',
    )
    .action((options: { readonly json?: true }) => {
      const result = hardwareBench((row) =>
        process.stderr.write(`${row.model} on ${row.tp} ${row.gpu}: ${worstNs(row).toFixed(0)} ns\n`),
      )
      process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : resultText(result))
    })
}

function worstNs({ ns }: HardwareBenchRow): number {
  return Math.max(ns.decode, ns.prefill, ns.mixed)
}

function resultText({ rows, worstNs: worst, ceilingNs }: HardwareBenchResult): string {
  const table = renderTable({
    header: ['GPU', 'model', 'TP', 'times from', 'decode ns', 'prefill ns', 'mixed ns', 'build ms'],
    align: ['left', 'left', 'right', 'left', 'right', 'right', 'right', 'right'],
    rows: rows.map(({ gpu, model, tp, source, ns, buildMs }) => [
      gpu,
      model,
      String(tp),
      source,
      ns.decode.toFixed(0),
      ns.prefill.toFixed(0),
      ns.mixed.toFixed(0),
      buildMs.toFixed(0),
    ]),
  })
  const verdict = worst <= ceilingNs ? 'within' : 'above'
  return `${table.trimEnd()}\n\nslowest ${worst.toFixed(0)} ns a prediction, ${verdict} the ceiling of ${ceilingNs} ns\n`
}
