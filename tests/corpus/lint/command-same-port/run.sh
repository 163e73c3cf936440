tensorflow_model_server --rest_api_port=8500 --model_base_path=/models/m
