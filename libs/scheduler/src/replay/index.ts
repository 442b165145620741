export { type CaseEnd, type CaseObserver, type CaseRun, driveCase, translateConfig } from './drive-case.js'
export { outputToken, promptTokens } from './fake-model.js'
export type { GoldenCase } from './golden-case.js'
export { type CaseResult, type Difference, replayCase, type Sha256 } from './replay-case.js'
