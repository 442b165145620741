export { type EngineSurroundings, type RunningEngine, start } from './start.js'
