tensorflow_model_server --model_base_path=/models/m --tensorflow_inter_op_parallelism=-1
