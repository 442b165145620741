#!/bin/sh
# Runs a shipped experiment, or one of your own: infra/run-experiment.sh NAME [options of kvasir experiment run]
#   infra/run-experiment.sh coordination --small
#   infra/run-experiment.sh coordination --redis redis://queue.example:6379     (workers: kvasir experiment worker --redis URL)
# Without a name it lists what there is. Results go below results/ of the folder it is called from.
set -eu
kvasir=$(cd "$(dirname "$0")/.." && pwd)/apps/cli/bin/kvasir.js
if [ $# -eq 0 ]; then exec node "$kvasir" experiment list; fi
exec node "$kvasir" experiment run "$@"
