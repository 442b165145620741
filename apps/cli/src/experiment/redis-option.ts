import type { QueueAddress } from '@kvasir/run-queue'
import { BadInput } from '../bad-input.js'

const SOCKET = 'unix:'

/** `redis://HOST:PORT`, `rediss://…` or `unix:PATH`. @throws {BadInput} */
export function redisOption(text: string): QueueAddress {
  if (/^rediss?:\/\/./.test(text)) return { url: text }
  if (text.startsWith(`${SOCKET}/`)) return { socket: text.slice(SOCKET.length) }
  throw new BadInput(
    `--redis is ${JSON.stringify(text)}; it must be a URL, such as redis://127.0.0.1:6379, or unix:/PATH of a socket`,
  )
}
