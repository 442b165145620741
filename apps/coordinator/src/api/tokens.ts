/** What controllers are given, by Nest's container. */
export const READER = Symbol('cluster reader')
export const DESK = Symbol('model desk')
export const OFFICES = Symbol('offices')
export const PROFILE = Symbol('profile')
export const EXPLAINER = Symbol('explainer')
