# diag: ignore[rest-threads-too-few]
tensorflow_model_server --model_base_path=/models/m --rest_api_port=8501 --rest_api_num_threads=1
