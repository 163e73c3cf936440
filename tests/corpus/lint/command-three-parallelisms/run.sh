tensorflow_model_server --model_base_path=/models/m --tensorflow_session_parallelism=8 \
  --tensorflow_intra_op_parallelism=4 --tensorflow_inter_op_parallelism=4
