#!/usr/bin/env bash
set -euo pipefail
MODEL=${1:?model}
exec tensorflow_model_server \
  --port="${PORT}" --rest_api_port=${REST_PORT} \
  --model_name=$MODEL --model_base_path="/models/$MODEL" \
  --enable_batching=${BATCHING} --grpc_max_threads=$THREADS "$@"
