tensorflow_model_server --model_config_file=/etc/models.config --model_name=m --model_base_path=/models/m
