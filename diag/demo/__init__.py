"""A server that speaks TensorFlow Serving's protocols on the real TensorFlow runtime, and load.

Needs the ``demo`` extra. Only the server process imports TensorFlow; the load generator, the
scenarios and the truth do not.
"""
