tensorflow_model_server --model_base_path=/models/m --grpc_max_threads=8 --grpc_max_threads=64
