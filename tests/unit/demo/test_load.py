from __future__ import annotations

from diag.demo.arrivals import Arrivals
from diag.demo.load import LoadOrder, StreamOrder

ORDER = LoadOrder(
    "127.0.0.1:8500",
    (
        StreamOrder("a", ("one", "two"), Arrivals("open", rate=5.5, seed=3)),
        StreamOrder("b", ("three",), Arrivals("closed", concurrency=2)),
    ),
    deadline_s=0.5,
)


def test_an_order_comes_back_from_one_line_of_json() -> None:
    text = ORDER.to_json()
    assert "\n" not in text
    assert LoadOrder.from_json(text) == ORDER
