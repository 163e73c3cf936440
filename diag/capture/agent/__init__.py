"""The agent: the samples of the server's machine, for a capture that runs on another one.

``diag agent`` serves what this package's left half makes; ``diag capture --agent`` uses the right::

    run ─ server ─ service ─ streams ─ buffer     protocol     link ─ receiver ─ clock
          listen   token                                       token
"""
