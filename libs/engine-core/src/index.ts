export * from './engine-effect.js'
export * from './engine-machine.js'
export * from './engine-options.js'
export { Lease } from './lease.js'
