import type { KernelProfile } from '../profile/kernel-profile.js'
import { a100 } from './a100.js'
import { h100 } from './h100.js'
import { rtx4090 } from './rtx-4090.js'
import { rtxPro6000 } from './rtx-pro-6000.js'

/** One a kind of GPU. */
export const kernelProfiles: readonly KernelProfile[] = [h100, a100, rtx4090, rtxPro6000]
