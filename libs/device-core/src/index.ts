export * from './arbiter.js'
export * from './bundle-map.js'
export * from './device-journal.js'
export * from './device-machine.js'
