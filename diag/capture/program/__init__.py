"""Starts a Python program and records it: the launcher of ``diag run``.

``launch`` starts it, ``recorded_process`` talks to the recorder inside (``diag.inside``), ``wait``
finds repeating work, ``session`` is the order, and ``result`` makes a bundle.
"""
