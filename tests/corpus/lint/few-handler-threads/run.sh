tensorflow_model_server --model_config_file=/etc/models.config --enable_batching \
  --grpc_max_threads=32 --batching_parameters_file=/etc/batching.txt
