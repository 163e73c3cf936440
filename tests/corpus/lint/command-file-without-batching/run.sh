tensorflow_model_server --model_base_path=/models/m --batching_parameters_file=/etc/batching.txt
