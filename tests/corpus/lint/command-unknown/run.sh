tensorflow_model_server --model_base_path=/models/m --rest_port=8501 --max_batch_size=32 --batch_timeout_micros=1000
