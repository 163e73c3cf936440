tensorflow_model_server -port=8500 --model_base_path=/models/m
