import { BadInput } from '../bad-input.js'
import type { TwinTarget } from './twin-cluster.js'

/** What the command line says of the live side. */
export interface RawLiveOptions {
  readonly live?: true
  readonly speed?: string
  readonly gateway?: string
  readonly coordinator?: string
}

export interface LiveOptions {
  readonly target: TwinTarget
  readonly speed: number
}

const SPEED_LEAST = 0.01
const SPEED_MOST = 100

/** Undefined: nothing is played live. @throws {BadInput} for options that do not go together. */
export function liveOptions({ live, speed, gateway, coordinator }: RawLiveOptions): LiveOptions | undefined {
  if (live === undefined) {
    const stray = [
      ['--speed', speed],
      ['--gateway', gateway],
      ['--coordinator', coordinator],
    ].find(([, value]) => value !== undefined)
    if (stray !== undefined) throw new BadInput(`${stray[0]} is ${stray[1]}; it goes with --live only`)
    return undefined
  }
  if (gateway === undefined && coordinator === undefined)
    return { target: { kind: 'private' }, speed: speedOption(speed ?? '1') }
  if (gateway === undefined || coordinator === undefined) {
    throw new BadInput(
      gateway === undefined
        ? `--coordinator is ${coordinator}; it goes with --gateway, where requests are sent`
        : `--gateway is ${gateway}; it goes with --coordinator, which tells what was decided`,
    )
  }
  if (speed !== undefined)
    throw new BadInput(
      `--speed is ${speed}; a cluster that runs already has its own rounds, so it must be left out with --gateway`,
    )
  const urls = {
    gateway: urlOption('--gateway', gateway),
    coordinator: urlOption('--coordinator', coordinator),
  }
  return { target: { kind: 'running', ...urls }, speed: 1 }
}

function speedOption(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= SPEED_LEAST && value <= SPEED_MOST) return value
  throw new BadInput(`--speed is ${text}; it must be a number from ${SPEED_LEAST} to ${SPEED_MOST}`)
}

function urlOption(name: string, text: string): string {
  if (/^https?:\/\/[^/]+\/?$/.test(text)) return text.replace(/\/$/, '')
  throw new BadInput(`${name} is ${text}; it must be a URL without a path, such as http://127.0.0.1:8080`)
}
