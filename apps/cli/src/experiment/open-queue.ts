import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { sha256Hex } from '@kvasir/kernel'
import { readManifest } from '@kvasir/results'
import {
  cancelExperiment,
  connectQueue,
  type ExperimentCard,
  type QueueAddress,
  QueueExecutor,
  QueueTrouble,
  reachQueue,
  type Removal,
} from '@kvasir/run-queue'
import { ClusterTrouble } from '../live/cluster-trouble.js'
import { checkCode, codeIdentity } from './code-identity.js'
import { inputFiles } from './provenance.js'

/** @param path folder of the results. @throws {ClusterTrouble} when no Redis answers. @throws {BadInput} */
export function openQueue(
  { address, priority }: { readonly address: QueueAddress; readonly priority: number },
  path: string,
): Promise<QueueExecutor> {
  const code = codeIdentity()
  checkCode('KVASIR_CODE', code.id)
  let card: Omit<ExperimentCard, 'code'> | undefined
  const executor = QueueExecutor.open({
    address,
    priority,
    // The manifest is there by the time that runs are queued, and not before.
    code,
    card: () => (card ??= cardOf(path)),
    inputsOf: ({ scenario, folder }) => inputFiles([scenario], folder),
    say: (line) => process.stderr.write(`${line}\n`),
  })
  return orClusterTrouble(executor)
}

/** Takes what is left of an experiment out of the queue. @throws {ClusterTrouble} when no Redis answers. */
export async function cancelResults(address: QueueAddress, path: string): Promise<readonly Removal[]> {
  await orClusterTrouble(reachQueue(address))
  const redis = connectQueue(address)
  try {
    return await cancelExperiment(redis, queueId(path))
  } finally {
    redis.disconnect()
  }
}

/** The same trouble as the command line knows it. */
export async function orClusterTrouble<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof QueueTrouble ? new ClusterTrouble(error.message) : error
  }
}

/** Id by which the queue knows the results in `path`: what they are and when they were begun, so that it stays when they are moved. */
function queueId(path: string): string {
  const { specHash, sessions } = readManifest(path)
  return sha256Hex(`${specHash} ${sessions[0]?.startedAt}`).slice(0, 16)
}

function cardOf(path: string): Omit<ExperimentCard, 'code'> {
  const { experiment: title, question } = readManifest(path)
  return { experiment: queueId(path), title, question, results: `${hostname()}:${resolve(path)}` }
}
