"""Host and GPU samples that an agent on the server's machine takes: the client's side.

``protocol``, ``clock`` and ``token`` are used by both ends; the server's side is ``diag.agent``.
"""
