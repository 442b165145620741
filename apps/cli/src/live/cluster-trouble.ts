/** The live cluster is not as the command needs it. Says what to do. Ends the process with exit code 1. */
export class ClusterTrouble extends Error {
  override readonly name = 'ClusterTrouble'
}
