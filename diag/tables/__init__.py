"""Tables of an analysis: requests, batches, idle gaps, devices, kernels, costs and samples.

``registry.table`` makes a Table, which converts to NumPy, pandas, Polars and Arrow, and to the
file formats in ``formats``. Importing this package or ``names`` loads no NumPy.
"""
