"""Programs that are recorded, one a module. Each runs as a script in a release's environment.

They run on Python 3.8 and TensorFlow 2.3 as well, and import nothing of diag.
"""
