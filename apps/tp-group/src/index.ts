export { type GroupHealth } from './health.controller.js'
export { type RunningGroup, start } from './start.js'
