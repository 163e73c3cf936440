"""An HTTP server with a new thread for each request, and clients that seldom ask."""

import http_server

http_server.run(clients=2, pause_seconds=0.1, keep_alive=False, numbers=5_000)
