"""Clients of http_server.py, in a process of their own: PORT CLIENTS PAUSE KEEP_ALIVE NUMBERS."""

import http.client
import json
import sys
import threading
import time


def ask(port, body, pause_seconds, keep_alive):
    """One client, until the server ends."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        connection.request("POST", "/", body)
        connection.getresponse().read()
        if not keep_alive:
            connection.close()
        time.sleep(pause_seconds)


def main():
    """Start them."""
    port, clients, pause, keep_alive, numbers = sys.argv[1:]
    body = json.dumps([each % 17 * 0.37 for each in range(int(numbers))])
    for _ in range(int(clients)):
        arguments = (int(port), body, float(pause), keep_alive == "1")
        threading.Thread(target=ask, args=arguments).start()


main()
