"""The agent: serves samples of this machine's host and GPUs to captures on other machines.

``diag agent`` runs it. Its client is ``diag.capture.samplers.remote``, which also holds the
protocol and the token that both ends share::

    run ─ server ─ token_interceptor
          │        listen
          service ─ client_slots ─ limits
                    streams ─ sample_buffer
                    machine_sources
"""
