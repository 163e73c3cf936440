"""A server with TensorFlow Serving's protocols on the real TensorFlow runtime, with load for it.

It needs the ``demo`` extra. Only the server process imports TensorFlow; the load generator, the
scenarios and the truth do not.
"""
