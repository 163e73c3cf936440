"""Answers JSON over HTTP by ``http.server``; used by the programs ``http_...``."""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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
    answered = {}  # time of the last answer by number of the thread, which a later one may have

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"
        wbufsize = -1  # one packet an answer

        def parse_request(self):
            since = answered.get(threading.get_ident())
            if since:
                log.add("wait", since, time.perf_counter_ns())
            return super().parse_request()

        def log_message(self, *_):
            pass

        def do_POST(self):
            with log.step("read"):
                body = self.rfile.read(int(self.headers["Content-Length"]))
            with log.step("prepare"):
                rows = tf.constant([parse_numbers(body)])
            with log.step("model"):
                result = answer(rows)
            with log.step("answer"):
                self.reply(json.dumps(result.numpy()[0, :50].tolist()).encode())
            answered[threading.get_ident()] = time.perf_counter_ns()

        def reply(self, data):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    words = map(str, (server.server_port, clients, pause_seconds, int(keep_alive), numbers))
    asking = subprocess.Popen([sys.executable, Path(__file__).parent / "http_clients.py", *words])
    log.over.wait()
    asking.kill()
    log.end()
