"""URLs that a plan names are checked before any server is contacted."""

from __future__ import annotations

import pytest

from diag.capture.address import check_url
from diag.capture.plan import CapturePlan
from diag.errors import UsageError


@pytest.mark.parametrize(
    "url", ["", "localhost:8501", "ftp://h/", "http://", "http://h:x/", "file:///x"]
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="`metrics`"):
        check_url(url, "metrics")


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="process listing") as caught:
        check_url("http://me:s3cret@h/m", "dcgm")
    assert "s3cret" not in caught.value.message + caught.value.cause


def test_a_plan_checks_its_urls() -> None:
    with pytest.raises(UsageError, match="`metrics` 'localhost:8501' is not") as caught:
        CapturePlan(server="h:8500", metrics="localhost:8501")
    assert caught.value.parameter == "metrics"
    with pytest.raises(UsageError, match="`dcgm` 'node' is not"):
        CapturePlan(server="h:8500", dcgm="node")
