"""Whatever the pages beside a server say, a capture gives a usable bundle or a clean error."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diag.capture.plan import MS
from diag.capture.session import capture_bundle
from diag.errors import DiagError
from tests.property.test_pages import NUMBERS, PAGES
from tests.property.test_parameter_values import use
from tests.support.exporter import GR, UTIL, line, page
from tests.support.fast_plan import plan
from tests.support.serving import Answer, http_server, serving

EXPORTER = st.lists(
    st.builds(
        lambda metric, value, gpu: line(metric, value, gpu=gpu),
        st.sampled_from([GR, UTIL, "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_XID_ERRORS", "X"]),
        NUMBERS,
        st.integers(0, 2),
    ),
    max_size=6,
).map(lambda lines: page(*lines))
STATUS = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"{}", b"[]", b'{"model_version_status": [{"version": "1e999"}]}']),
)


@dataclass
class StandIn:
    """A server with a profiler, and the pages beside it, which a test sets."""

    address: str = ""
    url: str = ""
    served: dict[str, Iterator[bytes]] = field(default_factory=dict)

    def show(self, **pages: list[bytes]) -> None:
        """Answer each request for a page with the next of its texts, over and over."""
        self.served = {name: itertools.cycle(texts) for name, texts in pages.items()}

    def answer(self, name: str) -> Answer:
        return 200, next(self.served[name])


@pytest.fixture(name="stand_in", scope="module")
def _stand_in() -> Iterator[StandIn]:
    found = StandIn()
    pages = {
        "/metrics": lambda: found.answer("metrics"),
        "/dcgm": lambda: found.answer("dcgm"),
        "/v1/models/m": lambda: found.answer("status"),
        "/monitoring/prometheus/metrics": lambda: found.answer("metrics"),
    }
    with serving(models={"m": {1: 30}}) as server, http_server(pages) as url:
        found.address, found.url = server.address, url
        yield found


@settings(max_examples=15, deadline=None)
@given(
    before=PAGES,
    after=PAGES,
    exporter=st.lists(EXPORTER, min_size=1, max_size=3),
    status=STATUS,
    is_named=st.booleans(),
)
@example(
    before=b':tensorflow:serving:request_count{model_name="m",status="OK"} 1e999\n',
    after=b':tensorflow:serving:request_count{model_name="m",status="OK"} NaN\n',
    exporter=[page(line(GR, "NaN"), line(UTIL, "-1e308"))],
    status=b"{}",
    is_named=True,
)
def test_any_page_beside_a_server(
    stand_in: StandIn,
    before: bytes,
    after: bytes,
    exporter: list[bytes],
    status: bytes,
    is_named: bool,
) -> None:
    stand_in.show(metrics=[before, after], dcgm=exporter, status=[status])
    wanted = plan(
        stand_in.address,
        duration_ns=50 * MS,
        dcgm=f"{stand_in.url}/dcgm",
        metrics=f"{stand_in.url}/metrics" if is_named else "auto",
        rest_port=int(stand_in.url.rpartition(":")[2]),
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            bundle = capture_bundle(wanted, Path(folder) / "b").path
        except DiagError:
            return
        use(bundle)
