"""A DCGM exporter's page in several forms, served by a real HTTP server."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from diag.capture.samplers.dcgm.reader import (
    COLLECTED_AGE,
    FAILURES_MAX,
    PAGE_MAX_BYTES,
    DcgmReader,
    open_dcgm_reader,
)
from diag.formats.text.samples import series_problem
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries
from tests.support.certificates import make_certificates
from tests.support.exporter import GR, UTIL, line, page
from tests.support.serving import http_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = page(line(UTIL, 63), line(UTIL, 7, gpu=1), line(GR, 0.5), line("DCGM_FI_DEV_FB_USED", 9))


def opened(url: str, *names: str, **options: Any) -> DcgmReader:
    reader = open_dcgm_reader(url, names, 5.0, **options)
    assert isinstance(reader, DcgmReader), reader
    return reader


def refusal(url: str, *names: str, timeout_s: float = 5.0, **options: Any) -> str:
    found = open_dcgm_reader(url, names, timeout_s, **options)
    assert isinstance(found, Unavailable)
    return found.reason


def test_a_plain_page_has_a_list_a_field_and_a_reason_for_every_gap() -> None:
    with http_server({"/metrics": (200, PLAIN)}) as url:
        reader = opened(f"{url}/metrics")
        sample = reader.read()
    assert 0 < reader.background_cpu_ns() < 1_000_000_000
    assert sample == {
        "gpu_util_percent": [63.0, 7.0],
        "gr_engine_active_ratio": [0.5, None],
        "fb_used_mib": [9, None],
    }
    assert [device.uuid for device in reader.devices] == ["GPU-0", "GPU-1"]
    assert reader.units["gr_engine_active_ratio"] == "ratio"
    assert reader.missing["1:gr_engine_active_ratio"] == f"{GR} is missing for this GPU"
    assert "does not have the metric" in reader.missing["sm_active_ratio"]
    assert url.endswith(reader.taken_by)
    assert reader.detail == f"2 GPUs and slices of node-1 by {reader.taken_by}"
    series = SampleSeries(
        "dcgm",
        reader.period_ns,
        reader.units,
        ({"unix_ns": 1, **sample},),
        reader.missing,
        reader.devices,
        reader.taken_by,
    )
    assert series_problem(series) == ""


def test_of_several_hosts_only_the_servers_counts() -> None:
    text = page(line(UTIL, 1, host="Node-1.example.org"), line(UTIL, 2, host="node-2"))
    with http_server({"/": (200, text)}) as url:
        assert opened(f"{url}/", "10.0.0.7", "node-1").read() == {"gpu_util_percent": [1.0]}
        assert opened(f"{url}/", "NODE-2").read() == {"gpu_util_percent": [2.0]}
        reason = refusal(f"{url}/", "localhost", "127.0.0.1")
    assert "has the GPUs of 2 hosts (Node-1.example.org, node-2)" in reason


def test_addresses_are_not_shortened_like_names() -> None:
    text = page(line(UTIL, 1, host="10.0.0.7"), line(UTIL, 2, host="10.1.1.1"))
    with http_server({"/": (200, text)}) as url:
        assert "none of them is known" in refusal(f"{url}/", "10.9.9.9")
        assert opened(f"{url}/", "10.1.1.1").read() == {"gpu_util_percent": [2.0]}


def test_a_page_of_one_host_is_used_whatever_it_is_called() -> None:
    with http_server({"/": (200, page(line(UTIL, 1, host="exporter-pod-x7k2p")))}) as url:
        assert opened(f"{url}/", "tfs.prod").detail.startswith("1 GPUs and slices of exporter-pod")


def test_slices_are_read_and_devices_that_come_later_are_not() -> None:
    sliced = [
        line(GR, 0.1, GPU_I_ID="1", GPU_I_PROFILE="1g.5gb"),
        line(UTIL, "9223372036854775794"),
    ]
    pages = iter([page(*sliced), page(*sliced, line(GR, 0.9, gpu=5))])
    with http_server({"/": lambda: (200, next(pages))}) as url:
        reader = opened(f"{url}/")
        assert reader.read() == {"gr_engine_active_ratio": [None, 0.1]}
    assert [device.is_mig for device in reader.devices] == [True, True]
    assert "blank or out of range on every GPU" in reader.missing["gpu_util_percent"]


def test_a_time_stamp_becomes_an_age() -> None:
    then_ms = time.time_ns() // 1_000_000 - 700
    with http_server({"/": (200, page(line(UTIL, f"5 {then_ms}")))}) as url:
        reader = opened(f"{url}/")
        (age_ns,) = reader.read()[COLLECTED_AGE]
    assert 0.7e9 <= age_ns < 5e9
    assert reader.units[COLLECTED_AGE] == "ns"


@pytest.mark.parametrize("stamp", ["99999999999999999999999999", "-99999999999999999", "1"])
def test_a_time_stamp_of_another_age_is_none(stamp: str) -> None:
    text = page(line(UTIL, f"5 {stamp}"), line(UTIL, 7, gpu=1))
    with http_server({"/": (200, text)}) as url:
        reader = opened(f"{url}/")
        assert reader.read() == {"gpu_util_percent": [5, 7], COLLECTED_AGE: [None, None]}
    assert "more than a day from this machine's clock" in reader.missing[f"0:{COLLECTED_AGE}"]


def test_a_value_that_is_none_for_a_while_has_its_reason() -> None:
    pages = iter([page(line(UTIL, value)) for value in (5, 18446744073709551615, 7)])
    with http_server({"/": lambda: (200, next(pages))}) as url:
        reader = opened(f"{url}/")
        assert reader.read() == {"gpu_util_percent": [None]}
        assert reader.read() == {"gpu_util_percent": [7]}
    assert reader.missing["0:gpu_util_percent"] == f"{UTIL} is blank or out of range at times"


def test_a_scrape_that_fails_once_is_left_out_and_several_end_it() -> None:
    answers = [(200, PLAIN), (503, b""), (200, PLAIN), *[(200, b"gone\n")] * FAILURES_MAX]
    pages = iter(answers)
    with http_server({"/": lambda: next(pages)}) as url:
        reader = opened(f"{url}/")
        assert reader.read() == {}
        assert "1 of 1 scrapes failed, the last: " in reader.missing["page"]
        assert "503" in reader.missing["page"]
        assert reader.read()["gpu_util_percent"] == [63.0, 7.0]
        assert [reader.read() for _ in range(FAILURES_MAX - 1)] == [{}] * (FAILURES_MAX - 1)
        with pytest.raises(OSError, match="not a DCGM exporter"):
            reader.read()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, b"no"), "answered 404"),
        ((302, b"http://192.0.2.1/"), "answered 302"),
        ((200, b"<html>hello</html>"), "not a DCGM exporter"),
        ((200, b""), "not a DCGM exporter"),
        ((200, f"{UTIL}{{gpu=".encode()), "is not Prometheus text"),
        ((200, b"\xff\xfe\x00"), "not a DCGM exporter"),
        ((200, page(line(UTIL, "9223372036854775794"))), "blank"),
        (
            (200, page(*(line(UTIL, 1, gpu=gpu) for gpu in range(1025)))),
            "has 1,025 GPUs",
        ),
        (
            (200, page(*(line(UTIL, 1, pod=str(pod)) for pod in range(5000)))),
            "has more than 4,096 GPUs, slices and pods",
        ),
        ((200, PLAIN + b"#" * PAGE_MAX_BYTES), "is larger than 4 MiB"),
    ],
)
def test_what_is_no_exporters_page_has_its_reason(answer: tuple[int, bytes], reason: str) -> None:
    with http_server({"/": answer}) as url:
        assert reason in refusal(f"{url}/")


def test_an_exporter_that_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = time.monotonic()
        reason = refusal(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=0.2)
    assert "timed out" in reason
    assert time.monotonic() - begun < 3


@contextmanager
def https_server(body: bytes, context: ssl.SSLContext) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(http.server.ThreadingHTTPServer):
        def finish_request(self, request: Any, client_address: Any) -> None:
            try:
                with context.wrap_socket(request, server_side=True) as stream:
                    super().finish_request(stream, client_address)
            except OSError:
                pass  # the client does not trust this server: that is the test

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_over_tls_only_the_right_authority_is_trusted(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    chain = tmp_path / "server.pem"
    chain.write_bytes(made.server_key + made.server_chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with https_server(PLAIN, context) as url:
        assert opened(url, ca_cert=made.ca_file).read()["gpu_util_percent"] == [63.0, 7.0]
        for untrusting in (made.other_ca_file, None):
            assert "certificate verify failed" in refusal(url, ca_cert=untrusting)
