tensorflow_model_server --model_base_path=/models/m --enable_batching --grpc_max_threads=256 \
  --batching_parameters_file=/etc/batching.txt
