import type { Command } from 'commander'
import { addAllocationBench } from './bench-allocation.js'
import { addBrokerBench } from './bench-broker.js'
import { addDampingBench } from './bench-damping.js'
import { addHardwareBench } from './bench-hardware.js'
import { addSchedulerBench } from './bench-scheduler.js'
import { addSimulationBench } from './bench-simulation.js'

/** What is measured; each bench is a subcommand in a file of its own, and prints a table or, with `--json`, its figures. */
export function addBenchCommand(program: Command): void {
  const bench = program
    .command('bench')
    .summary('measure how fast Kvasir is')
    .description('Measures speed in this process.')
  addSimulationBench(bench)
  addAllocationBench(bench)
  addBrokerBench(bench)
  addSchedulerBench(bench)
  addHardwareBench(bench)
  addDampingBench(bench)
}
