#!/bin/bash
# One Slurm job is one Ray cluster: the first node is its head and executes nothing, the others execute runs.
#
#   sbatch --nodes=5 deploy/unlearn-slurm.sh run submissions/*.zip -c challenge -n 512
#
# Each node needs a container engine that this user may use (rootless Docker or Podman will do), the image
# (`unlearn setup`), and the same installation of unlearn[cluster] in PATH. Challenge and store are on a file
# system that the first node sees.
#SBATCH --job-name=unlearn
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --signal=B:TERM@180
set -euo pipefail

if [ "${SLURM_JOB_NUM_NODES:-0}" -lt 2 ]; then
  echo "unlearn-slurm: needs at least two nodes: sbatch --nodes=2 ..." >&2
  exit 2
fi

port=6379
# As Slurm names it, which need not be its host name.
first=${SLURMD_NODENAME:-$(hostname -s)}
# Debian gives a machine's own name an address in 127.0.0.0/8, at which no other node reaches it.
reachable=$(
  { getent ahostsv4 "$first"; getent ahostsv4 "$(hostname)"; hostname -I | tr ' ' '\n'; } 2>/dev/null |
    awk '$1 ~ /^[0-9]+([.][0-9]+)+$/ && $1 !~ /^127[.]/ && !found { print $1; found = 1 }'
) || true
if [ -z "$reachable" ]; then
  echo "unlearn-slurm: $first has no IPv4 address at which other nodes reach it" >&2
  exit 2
fi
address="$reachable:$port"
export RAY_AUTH_MODE=token RAY_worker_niceness=0 RAY_USAGE_STATS_ENABLED=0
# Of this job alone. Other users of the nodes can reach Ray's ports, and whoever has the token is this user.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN

ray start --head --block --node-ip-address="$reachable" --port="$port" --num-cpus=0 \
  --include-dashboard=false --temp-dir="/tmp/ray-$SLURM_JOB_ID" &
head=$!
srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks-per-node=1 --exclude="$first" --kill-on-bad-exit=0 \
  sh -c 'until ray start --block --address="$0"; do sleep 2; done' "$address" &
nodes=$!
trap 'kill "$nodes" "$head" 2>/dev/null || true; wait || true' EXIT

# A cluster whose first node is not there yet is not joined: ask until one is ready.
for _ in $(seq 60); do
  if unlearn cluster status --cluster "$address" > "/tmp/ray-$SLURM_JOB_ID.status" 2>&1; then break; fi
  sleep 5
done
cat "/tmp/ray-$SLURM_JOB_ID.status"
rm -f "/tmp/ray-$SLURM_JOB_ID.status"

# Slurm sends TERM before the time limit: the command ends, its containers are removed, finished runs stay.
unlearn "$@" --cluster "$address" &
command=$!
trap 'kill -TERM "$command" 2>/dev/null || true' TERM
code=0
wait "$command" || code=$?
while kill -0 "$command" 2>/dev/null; do
  code=0
  wait "$command" || code=$?
done
exit "$code"
