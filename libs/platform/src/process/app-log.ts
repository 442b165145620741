import type { LogLevel } from '@kvasir/contracts'
import type { LoggerService } from '@nestjs/common'
import { type Logger, pino } from 'pino'

/** The log of one process: a JSON object a line, on standard output. */
export function appLog(name: string, level: LogLevel): Logger {
  return pino({ name, level, base: { name } })
}

/** Nest's own words in that log. What Nest tells of its start is for those who debug it. */
export class NestLog implements LoggerService {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  log(message: unknown): void {
    this.#log.debug(String(message))
  }

  debug(message: unknown): void {
    this.#log.debug(String(message))
  }

  warn(message: unknown): void {
    this.#log.warn(String(message))
  }

  error(message: unknown, stack?: unknown): void {
    this.#log.error({ stack }, String(message))
  }
}
