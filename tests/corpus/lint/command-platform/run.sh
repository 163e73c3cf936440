tensorflow_model_server --model_base_path=/models/m --platform_config_file=/etc/platform.txt \
  --enable_batching --tensorflow_intra_op_parallelism=4
