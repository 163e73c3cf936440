"""An HTTP server with two clients that keep their connections: a thread for each."""

import http_server

http_server.run(clients=2, pause_seconds=0.005, keep_alive=True, numbers=60_000)
