tensorflow_model_server --model_base_path=/models/m --enable_batching \
  --enable_per_model_batching_parameters --batching_parameters_file=/etc/common.txt
