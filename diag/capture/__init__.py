"""Records a running server into a bundle: one trace, and samples and metrics of the same window.

``session`` runs a capture by a ``plan``. ``tracers`` record the trace, ``samplers`` the host and
the GPUs; ``server`` holds the connection to the server. Nothing here analyses or shows results.
"""
