"""The part of ``diag run`` that runs inside the recorded program.

It imports the standard library only, and nothing of diag: ``start/sitecustomize.py`` loads this
folder by its path, so that the program may use another Python environment than diag. It does
nothing until the program imports TensorFlow or JAX.
"""
