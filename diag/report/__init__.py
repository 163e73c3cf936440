"""A Report holds every number that is shown; renderers format it and compute nothing.

``build.build_report`` makes it of an Analysis and a Verdict; ``text``, ``markdown`` and ``json``
render it; ``tables`` holds the rows that ``diag export`` writes.
"""
