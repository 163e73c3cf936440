"""Answers JSON over HTTP by ``http.server``; used by the programs ``http_...``."""

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import tensorflow as tf
from models import dense_function
from step_log import StepLog

WIDTH = 768


def parse_numbers(body):
    """Plain Python reads the numbers and scales them."""
    numbers = json.loads(body)
    largest = max(map(abs, numbers))
    return [each / largest for each in numbers[:WIDTH]]


def run(clients, pause_seconds, keep_alive, numbers):
    """Serve until the program is ended.

    Args:
        clients: Threads that ask, each one request at a time.
        pause_seconds: How long each waits before its next request.
        keep_alive: Whether a client keeps its connection; else each request has a new thread.
        numbers: Numbers in a request.
    """
    answer, log = dense_function(WIDTH), StepLog()
    idle_since = threading.local()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"

        def setup(self):
            idle_since.ns = time.perf_counter_ns()
            super().setup()

        def parse_request(self):
            log.add("wait", idle_since.ns, time.perf_counter_ns())
            return super().parse_request()

        def log_message(self, *_):
            pass

        def do_POST(self):
            with log.step("prepare"):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                rows = tf.constant([parse_numbers(body)])
            with log.step("model"):
                result = answer(rows)
            with log.step("answer"):
                self.reply(json.dumps(result.numpy()[0, :50].tolist()).encode())
            idle_since.ns = time.perf_counter_ns()

        def reply(self, data):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    body = json.dumps([each % 17 * 0.37 for each in range(numbers)])
    for _ in range(clients):
        arguments = (server.server_port, body, pause_seconds, keep_alive, log)
        threading.Thread(target=_ask, args=arguments, daemon=True).start()
    log.over.wait()
    log.end()


def _ask(port, body, pause_seconds, keep_alive, log):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while log.goes_on:
        connection.request("POST", "/", body)
        connection.getresponse().read()
        if not keep_alive:
            connection.close()
        time.sleep(pause_seconds)
