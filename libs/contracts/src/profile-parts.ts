import { z } from 'zod'

/** What the profiles of all processes have in common: names and addresses. */
export const profileNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9@._-]*$/)
  .describe('letters, digits and @ . _ -, beginning with a letter or digit')

/** Where a device listens: `host:port`, or `unix:PATH`. */
export const deviceAddressSchema = z
  .string()
  .regex(/^(unix:.+|.+:\d+)$/)
  .describe('host:port, or unix:PATH')

/** A Redis: a URL, or the path of a unix socket. One of the two. */
export const storeAddressSchema = z.union([
  z.strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\//)
      .describe('redis://… or rediss://…'),
  }),
  z.strictObject({ socket: z.string().min(1).describe('path of a unix socket') }),
])
export type StoreAddress = z.infer<typeof storeAddressSchema>

/** Where a process answers HTTP. Port 0: any that is free. */
export const httpAddressSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
})
export type HttpAddress = z.infer<typeof httpAddressSchema>

/** Where a process answers gRPC: a port, or the path of a unix socket. */
export const grpcAddressSchema = z.union([
  httpAddressSchema,
  z.strictObject({ socket: z.string().min(1).describe('path of a unix socket') }),
])
export type GrpcAddress = z.infer<typeof grpcAddressSchema>

/** Where others reach a process over HTTP. */
export const httpUrlSchema = z
  .string()
  .regex(/^http:\/\/[^/]+$/)
  .describe('http://HOST:PORT')

export const logLevelSchema = z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info')
export type LogLevel = z.infer<typeof logLevelSchema>
