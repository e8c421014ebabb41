#!/bin/sh
#SBATCH --array=1-8
# Each job of the array records its share of the plan: the shard comes from Slurm's environment. Submit: sbatch job.sh
npx wnn collect --plan "$(dirname "$0")/plan.yaml" --store "${STORE:-data/cluster}" --workers 1 "$@"
