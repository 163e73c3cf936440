from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from diag.capture.server.http_page import PAGE_MAX_BYTES, Page, read_page
from diag.model.availability import Unavailable
from tests.support.serving import http_server

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_page_comes_untouched_with_its_times() -> None:
    with http_server({"/m?a=1": (200, b"\x00\xffbytes")}) as url:
        page = read_page(f"{url}/m?a=1", 2.0)
    assert isinstance(page, Page)
    assert page.body == b"\x00\xffbytes"
    assert page.sent_unix_ns < page.received_unix_ns


def test_a_page_beyond_reason_is_not_read_to_its_end() -> None:
    with http_server({"/m": (200, b"x" * (PAGE_MAX_BYTES + 1))}) as url:
        page = read_page(f"{url}/m", 20.0)
    assert isinstance(page, Unavailable)
    assert "larger than 64 MiB" in page.reason


@contextmanager
def talker(*, first: bytes, then: bytes = b"") -> Iterator[str]:
    """A server that sends a start, then a part again and again, or closes the connection.

    It reads the request first, or its end could reset what it said.
    """
    ending = threading.Event()

    def talk() -> None:
        stream, _ = listener.accept()
        with stream, suppress(OSError):
            stream.recv(65536)
            stream.sendall(first)
            while then and not ending.wait(0.05):
                stream.sendall(then)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ending.set()
        thread.join()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=["body", "header", "chunk size"],
)
def test_an_answer_that_drips_is_given_up_at_the_deadline(first: bytes, then: bytes) -> None:
    begun = time.monotonic()
    with talker(first=first, then=then) as url:
        page = read_page(url, 0.3)
    assert time.monotonic() - begun < 1.5
    assert page == Unavailable(f"{url} timed out: the answer was not complete within 0.3 s")


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n1234",
    ],
)
def test_an_answer_that_ends_early_is_none(first: bytes) -> None:
    with talker(first=first) as url:
        page = read_page(url, 5.0)
    assert isinstance(page, Unavailable)
    assert "ended early" in page.reason


def test_a_whole_answer_is_not_waited_for_any_longer() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1234"
    with talker(first=whole, then=b" ") as url:
        page = read_page(url, 5.0)
    assert isinstance(page, Page)
    assert page.body == b"1234"
    assert 0 < page.cpu_ns < 1_000_000_000


def test_a_closed_port_is_a_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    page = read_page(f"http://127.0.0.1:{port}/", 1.0)
    assert isinstance(page, Unavailable)
    assert "refused" in page.reason
