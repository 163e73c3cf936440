tensorflow_model_server --model_name=m --model_base_path=/models/m/0001/
