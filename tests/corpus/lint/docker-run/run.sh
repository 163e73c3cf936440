docker run --rm -p 8501:8501 --cpus=2 -v "$PWD/models:/models" -e MODEL_NAME=m \
  tensorflow/serving:2.14.1 --enable_batching --batching_parameters_file /models/batching.txt
