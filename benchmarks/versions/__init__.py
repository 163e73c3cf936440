"""What diag says about recordings of many TensorFlow and JAX releases and many kinds of program."""
