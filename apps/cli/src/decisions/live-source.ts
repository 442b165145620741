import type { DecisionRecord } from '@kvasir/contracts'
import { theCluster } from '../live/find-cluster.js'
import type { DecisionSource } from './decision-source.js'

/** Newest decisions that are looked through: some minutes of a busy cluster. */
const DECISIONS = 20_000

/** What the owners of the cluster that is up decided lately. @throws {ClusterTrouble} when none is. */
export function liveSource(): DecisionSource {
  const cluster = theCluster()
  return { name: 'the cluster', records: () => newest(cluster) }
}

async function* newest(
  cluster: ReturnType<typeof theCluster>,
): AsyncGenerator<DecisionRecord, void, undefined> {
  yield* await cluster.decisions(DECISIONS)
}
