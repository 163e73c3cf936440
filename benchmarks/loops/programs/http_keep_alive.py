"""An HTTP server with two clients that keep their connections: a thread for each."""

import http_server

http_server.run(clients=2, pause_seconds=0.02, keep_alive=True, numbers=20_000)
