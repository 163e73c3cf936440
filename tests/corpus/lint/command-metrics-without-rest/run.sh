tensorflow_model_server --model_base_path=/models/m --monitoring_config_file=/etc/monitoring.config
