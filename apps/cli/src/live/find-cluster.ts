import { ClusterTrouble } from './cluster-trouble.js'
import { CoordinatorClient } from './coordinator-client.js'
import { liveRecord, stateFolder } from './state-folder.js'

/**
 * The coordinators of the cluster that operators' commands are about: the one that KVASIR_URL names, else the one that is up here.
 * @throws {ClusterTrouble} when there is none.
 */
export function coordinatorUrls(): readonly string[] {
  const named = process.env['KVASIR_URL']
  if (named !== undefined && named !== '') return [named.replace(/\/$/, '')]
  const record = liveRecord(stateFolder())
  if (record) return record.coordinators
  throw new ClusterTrouble('no cluster is up; start one with kvasir up, or set KVASIR_URL to a coordinator')
}

export function theCluster(): CoordinatorClient {
  return new CoordinatorClient(coordinatorUrls())
}
