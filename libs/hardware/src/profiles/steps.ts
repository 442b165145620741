import type { StepProfile } from '../profile/kernel-profile.js'
import { dgxA100Eager } from './dgx-a100-eager.js'
import { dgxH100Eager } from './dgx-h100-eager.js'

/** One a kind of GPU and engine. */
export const stepProfiles: readonly StepProfile[] = [dgxH100Eager, dgxA100Eager]
