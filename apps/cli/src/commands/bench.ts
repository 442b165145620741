import type { Command } from 'commander'
import { addAllocationBench } from './bench-allocation.js'
import { addBrokerBench } from './bench-broker.js'
import { addClusterBench } from './bench-cluster.js'
import { addDampingBench } from './bench-damping.js'
import { addExperimentBench } from './bench-experiment.js'
import { addHardwareBench } from './bench-hardware.js'
import { addScaleBench } from './bench-scale.js'
import { addSchedulerBench } from './bench-scheduler.js'
import { addSimulationBench } from './bench-simulation.js'
import { addTransportBench } from './bench-transport.js'

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
  addClusterBench(bench)
  addExperimentBench(bench)
  addScaleBench(bench)
  addTransportBench(bench)
}
