"""What a stack says about a thread that waits: for a request, for something else, or unknown."""

from __future__ import annotations

import pytest

from diag.analysis.loops.stack_kinds import reads_request, waits_for_result, waits_for_work
from diag.model.loops import LoopStage
from diag.model.stacks import Frame
from tests.unit.analysis.loops.programs import (
    ANSWERING,
    COLLECTING,
    LOADING,
    LOOPING,
    READING,
    TAKING,
    analyzed_program,
    both,
    eager,
    every_ms,
    sampled,
)


def below(text: str) -> list[Frame]:
    """``file function, file function``: what the program's innermost function called."""
    pairs = (each.split() for each in text.split(", "))
    return [Frame(file, function, 1, is_user=False) for file, function in pairs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queue.py Queue.get, threading.py Condition.wait", True),
        ("queue.py get", True),  # Python 3.10 has no qualified names
        ("queue.py Queue.put, threading.py Condition.wait", False),
        ("multiprocessing/queues.py Queue.get, multiprocessing/connection.py _recv", True),
        ("multiprocessing/connection.py Connection.send", False),
        ("socketserver.py serve_forever, selectors.py _PollLikeSelector.select", True),
        ("socketserver.py serve_forever, socket.py socket.accept", True),
        ("http/client.py _read_status, socket.py SocketIO.readinto", False),
        ("http/server.py handle_one_request, socket.py SocketIO.readinto", True),
        ("wsgiref/simple_server.py handle, socket.py SocketIO.readinto", True),
        ("http/server.py handle_one_request, socket.py SocketIO.write", False),
        ("http/server.py flush_headers, socketserver.py _SocketWriter.write", False),
        ("http/server.py flush_headers, socketserver.py write", False),
        ("socketserver.py process_request_thread, http/server.py parse_request", False),
        ("asyncio/runners.py run, asyncio/base_events.py run_forever, selectors.py select", True),
        ("asyncio/runners.py run, asyncio/events.py _run, starlette/json.py render", False),
        ("concurrent/futures/thread.py _worker", True),
        ("concurrent/futures/thread.py _WorkItem.run", False),
        ("concurrent/futures/_base.py Future.result, threading.py Condition.wait", False),
        ("threading.py Event.wait, threading.py Condition.wait", True),
        ("threading.py Thread.join, threading.py Thread._wait_for_tstate_lock", False),
        ("gunicorn/app/base.py run, gunicorn/workers/sync.py wait", True),
        ("PIL/Image.py resize", False),
    ],
)
def test_a_request_is_waited_for_where_the_innermost_function_takes_one(text, expected):
    assert waits_for_work(below(text), is_called=False, is_waiting=True) is expected


SERVED = "threading.py run, socketserver.py process_request_thread, http/server.py handle"


@pytest.mark.parametrize(
    ("above", "text", "expected"),
    [
        (SERVED, "socket.py SocketIO.readinto", True),
        (SERVED, "json/__init__.py load, socket.py SocketIO.readinto", True),
        ("wsgiref/handlers.py run", "socket.py SocketIO.readinto", True),
        ("gunicorn/workers/sync.py handle", "gunicorn/http/body.py read", True),
        # The head of a request; its first line is waited for.
        (
            "",
            "http/server.py parse_request, http/client.py parse_headers, socket.py readinto",
            True,
        ),
        ("", "http/server.py handle_one_request, socket.py SocketIO.readinto", False),
        # Other servers are asked: by a handler, and by a loop that nobody serves.
        (SERVED, "http/client.py _read_status, socket.py SocketIO.readinto", False),
        (SERVED, "pymysql/connections.py _read_bytes, socket.py SocketIO.readinto", False),
        ("threading.py run", "socket.py SocketIO.readinto", False),
        (SERVED, "socket.py SocketIO.write", False),
        (SERVED, "json/decoder.py decode", False),
        (SERVED, "", False),
    ],
)
def test_a_handler_reads_the_rest_of_its_request(above, text, expected):
    frames = [below(each) if each else [] for each in (above, text)]
    assert reads_request(*frames, is_waiting=True) is expected


def test_a_server_that_parses_a_body_does_not_wait_for_it():
    frames = below("gunicorn/workers/sync.py handle"), below("gunicorn/http/body.py read")
    assert not reads_request(*frames, is_waiting=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("concurrent/futures/_base.py Future.result, threading.py Condition.wait", True),
        ("concurrent/futures/_base.py as_completed, threading.py Event.wait", True),
        ("multiprocessing/pool.py IMapIterator.next, threading.py Condition.wait", True),
        ("concurrent/futures/_base.py Future.result", False),  # it has one already
        ("threading.py Event.wait, threading.py Condition.wait", False),
        ("", False),
    ],
)
def test_a_result_of_a_pool_is_waited_for(text, expected):
    assert waits_for_result(below(text) if text else []) is expected


def test_a_plain_wait_in_a_called_function_may_be_for_anything():
    frames = below("threading.py Event.wait, threading.py Condition.wait")
    assert not waits_for_work(frames, is_called=True, is_waiting=True)
    assert not waits_for_work([], is_called=False, is_waiting=True)


def test_a_server_that_computes_waits_for_no_request():
    frames = below("gunicorn/http/parser.py parse")
    assert not waits_for_work(frames, is_called=False, is_waiting=False)


def iterations_of(stack, cpu: float):
    """Iterations that are 10 ms in ``stack``, and call TensorFlow from the loop's own function."""
    rows = []
    for begin in range(0, 8 * 10_450, 10_450):
        rows += [(at, stack) for at in range(begin + 500, begin + 10_000, 1000)]
        rows.append((begin + 10_300, LOOPING))
    return analyzed_program(eager(8, 10_000), sampled(rows, cpu=cpu))


@pytest.mark.parametrize(
    ("stack", "cpu", "stage"),
    [
        (LOOPING, 0.0, LoopStage.NOT_KNOWN),
        (LOOPING, 0.3, LoopStage.PREPROCESS),
        (LOADING, 0.0, LoopStage.PREPROCESS),
        (TAKING, 0.0, LoopStage.REQUEST_WAIT),
        (READING, 0.0, LoopStage.REQUEST_READ),
        (COLLECTING, 0.0, LoopStage.RESULT_WAIT),
    ],
)
def test_a_loop_that_waits_itself_in_c_code_is_not_said_to_prepare(stack, cpu, stage):
    assert iterations_of(stack, cpu).loops.share(stage) == pytest.approx(10_000 / 10_450)


def test_a_queue_that_the_programs_own_threads_fill_is_no_wait_for_a_request():
    taking = every_ms(52_000, TAKING)

    def beside(stack, cpu: float):
        other = every_ms(52_000, stack, cpu=cpu, line=99)
        loops = analyzed_program(eager(5, 10_000), both(taking, other)).loops
        return loops.share(LoopStage.REQUEST_WAIT), loops.share(LoopStage.NOT_KNOWN)

    wait = pytest.approx(10_000 / 10_450)
    assert beside(ANSWERING, 0.9) == (0, wait)  # it computes
    assert beside(ANSWERING, 0.1) == (wait, 0)  # it waits as well
