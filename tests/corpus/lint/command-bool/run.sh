tensorflow_model_server --model_base_path=/models/m --enable_batching=1 --enable_model_warmup=False
