import type { DeviceCommand } from '@kvasir/contracts'
import type { DeviceInput, DeviceMachine, Run, Transfer as TransferEffect } from '@kvasir/device-core'
import type { EngineInput } from '@kvasir/engine-core'
import { type SpatialGroup, spatialStep } from '@kvasir/hardware'
import { type EventHeap, invariant, type Micros } from '@kvasir/kernel'
import type { DeviceHost, EngineHost } from './build.js'
import { EventClass } from './event-class.js'
import { type JointRun, jointStepUs, type LockStep } from './lock-step.js'
import { Slab } from './slab.js'

/** What the groups need of the simulation they are in. */
export interface GroupWorld {
  now(): Micros
  readonly heap: EventHeap
  /** @throws {InvariantError} when there is none of that name. */
  host(engine: string): EngineHost
  /** What a device has for an engine. */
  tell(now: Micros, engine: EngineHost, input: EngineInput): void
  /** A step has begun, or ended with none after it: what came too late for it may be submitted. */
  submitLate(engine: EngineHost): void
  stepEnded(engine: EngineHost, stepUs: Micros): void
}

/** Copies under way, and the run of the group that makes them. */
interface Transfer {
  readonly device: DeviceHost
  readonly machine: DeviceMachine
  readonly transfer: number
}

/**
 * Carries commands to the devices and times what they run. There are three ways of sharing a group: engines take turns,
 * or their steps run side by side on parts of its multiprocessors, or the engines of several groups are in lock step.
 */
export class GroupRuns {
  readonly #world: GroupWorld
  readonly #transfers = new Slab<Transfer>()
  /** By group: the engine that spoke to it last, which is mostly the one it has an answer for. */
  readonly #speakers: (EngineHost | undefined)[] = []

  constructor(world: GroupWorld) {
    this.#world = world
  }

  /** Engines in lock step get their turns together. */
  command(now: Micros, host: EngineHost, command: DeviceCommand): void {
    const { lockStep } = host
    if (lockStep === undefined || command.kind !== 'ready') return this.#hear(now, host.device, command)
    lockStep.ready(host, command)
    this.#gather(lockStep)
  }

  device(host: DeviceHost, input: DeviceInput): void {
    this.#hear(this.#world.now(), host, input)
  }

  /**
   * A group that is down hears nothing. Hot path: a switch reads the kind of many shapes of effects once, a chain of ifs at each; and the
   * time is handed on, for whoever reads it anew makes a number anew.
   */
  #hear(now: Micros, host: DeviceHost, input: DeviceInput): void {
    if (host.down) return
    const effects = host.machine.step(now, input)
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i]
      switch (effect.kind) {
        case 'run':
          this.#run(now, this.#engineOn(host, effect.engine), effect)
          break
        case 'transfer':
          this.#transfer(host, effect)
          break
        case 'fenced':
          break
        case 'refused':
          invariant(
            effect.engine !== '',
            () => `device ${host.plan.id} refused ${effect.command}: ${effect.reason}`,
          )
          this.#world.tell(now, this.#engineOn(host, effect.engine), effect)
          break
        default:
          this.#world.tell(now, this.#engineOn(host, effect.engine), effect)
      }
    }
  }

  #engineOn({ index }: DeviceHost, name: string): EngineHost {
    const speaker = this.#speakers[index]
    if (speaker?.plan.id === name) return speaker
    const engine = this.#world.host(name)
    this.#speakers[index] = engine
    return engine
  }

  #transfer(host: DeviceHost, effect: TransferEffect): void {
    const world = this.#world
    const engine = this.#engineOn(host, effect.engine)
    engine.model.copied(effect.copies, engine.blockBytes)
    const { machine } = host
    const transfer = this.#transfers.put({ device: host, machine, transfer: effect.transfer })
    world.heap.push(world.now() + effect.copyUs, EventClass.CopyEnd, transfer)
  }

  /** The payload of a `CopyEnd`. */
  copyEnded(payload: number): void {
    const { device, machine, transfer } = this.#transfers.take(payload)
    if (device.machine === machine) this.device(device, { kind: 'transferred', transfer })
  }

  /** A `StepEnd` has come. */
  stepEnded(engine: EngineHost): void {
    const now = this.#world.now()
    // An end that was put off or brought forward since.
    if (engine.endUs !== now) return
    engine.endUs = -1
    this.#world.stepEnded(engine, now - engine.startedUs)
    const { lockStep } = engine
    const { spatial } = engine.device
    if (lockStep !== undefined) lockStep.ended()
    else if (spatial !== undefined)
      for (const end of spatial.end(now, engine.plan.id))
        this.#endsAt(this.#world.host(end.engine), end.endUs)
    this.#hear(now, engine.device, { kind: 'ran', engine: engine.plan.id, turn: engine.turn })
    if (lockStep) this.#gather(lockStep)
    if (engine.endUs < 0) this.#world.submitLate(engine)
  }

  /** The group loses its GPUs: what runs on it never ends. */
  fail(device: DeviceHost, engines: Iterable<EngineHost>): void {
    device.down = true
    for (const engine of engines) {
      if (engine.endUs < 0) continue
      engine.endUs = -1
      engine.lockStep?.ended()
      // The others' ends move, and are then forgotten like this one.
      device.spatial?.end(this.#world.now(), engine.plan.id)
    }
  }

  #gather(lockStep: LockStep): void {
    lockStep.gather(
      (engine, command) => this.device(engine.device, command),
      (parts) => this.#startTogether(parts),
    )
  }

  #startTogether(parts: readonly JointRun[]): void {
    const now = this.#world.now()
    const stepUs = jointStepUs(parts)
    for (const { engine, run } of parts) this.#start(now, engine, run, stepUs)
  }

  #run(now: Micros, engine: EngineHost, run: Run): void {
    if (engine.lockStep !== undefined) return engine.lockStep.add({ engine, run })
    const { spatial } = engine.device
    if (spatial !== undefined) return this.#startBeside(now, spatial, engine, run)
    const computeUs = Math.max(1, Math.round(engine.cost.stepUs(run.shape) / run.share))
    this.#start(now, engine, run, run.copyUs + computeUs)
  }

  #start(now: Micros, engine: EngineHost, run: Run, stepUs: Micros): void {
    this.#started(now, engine, run)
    this.#endsAt(engine, now + stepUs)
    this.#world.submitLate(engine)
  }

  /** Steps that run side by side end earlier or later than thought whenever one of them begins or ends. */
  #startBeside(now: Micros, spatial: SpatialGroup, engine: EngineHost, run: Run): void {
    this.#started(now, engine, run)
    const { fixedUs, arithmeticUs, trafficUs } = spatialStep(engine.cost.breakdown(run.shape))
    // Copies hold up the step whatever it runs on.
    const step = { fixedUs: fixedUs + run.copyUs, arithmeticUs, trafficUs }
    const ends = spatial.begin(now, run.engine, { step, multiprocessors: run.share })
    for (const { engine: name, endUs } of ends) this.#endsAt(this.#world.host(name), endUs)
    this.#world.submitLate(engine)
  }

  #started(now: Micros, engine: EngineHost, run: Run): void {
    engine.turn = run.turn
    engine.share = run.share
    engine.startedUs = now
    engine.model.waitedForCopies(run.copyUs)
    if (run.copies) engine.model.copied(run.copies, engine.blockBytes)
  }

  #endsAt(engine: EngineHost, endUs: Micros): void {
    if (engine.endUs === endUs) return
    engine.endUs = endUs
    this.#world.heap.push(endUs, EventClass.StepEnd, engine.index)
  }
}
