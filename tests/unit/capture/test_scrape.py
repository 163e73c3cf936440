from __future__ import annotations

import socket
import threading

import pytest

from diag.capture.scrape import PAGE_MAX_BYTES, Page, check_url, read_page
from diag.errors import UsageError
from diag.model.availability import Unavailable
from tests.support.serving import http_server


@pytest.mark.parametrize(
    "url", ["", "localhost:8501", "ftp://h/", "http://", "http://h:x/", "file:///x"]
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--metrics"):
        check_url(url)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="process listing") as caught:
        check_url("http://me:s3cret@h/m")
    assert "s3cret" not in caught.value.message + caught.value.cause


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


def test_a_page_that_drips_is_given_up() -> None:
    ending = threading.Event()

    def drip(listener: socket.socket) -> None:
        stream, _ = listener.accept()
        with stream:
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ending.wait(0.05):
                stream.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        page = read_page(f"http://127.0.0.1:{listener.getsockname()[1]}/", 0.3)
        ending.set()
        thread.join()
    assert isinstance(page, Unavailable)
    assert "did not end in time" in page.reason


def test_a_closed_port_is_a_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    page = read_page(f"http://127.0.0.1:{port}/", 1.0)
    assert isinstance(page, Unavailable)
    assert "refused" in page.reason
