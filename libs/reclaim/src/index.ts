export { takeCheap, type CheapBundles, unusedOf } from './cheap-answers.js'
export { chooseDonors, reachableBundles } from './choose-donors.js'
export { decide, DEFAULT_RECLAIM_POLICY } from './decide.js'
export * from './decision.js'
export {
  type Choice,
  type ChoiceInput,
  type DonorClass,
  EXACT_CELLS_MAX,
  type Pick,
  type SupplyOption,
} from './donor-class.js'
export * from './history.js'
export { kapslDonor, type KapslDonorQuery } from './kapsl-donor.js'
export { Ledger } from './ledger.js'
export * from './ledger-data.js'
export { planPreemption } from './plan-preemption.js'
export * from './pool-view.js'
export {
  type ChoiceQuality,
  type ComparedChoices,
  compareChoices,
  type SupplyShape,
} from './quality/compare-choices.js'
export { count, duration, list } from './sentences.js'
