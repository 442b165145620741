export { type CoordinatorSurroundings, type RunningCoordinator, start } from './start.js'
