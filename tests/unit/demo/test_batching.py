from __future__ import annotations

import os

import pytest

from diag.demo.batching import BatchFunctionAttributes, attributes_from_parameters
from diag.demo.scenarios import SCENARIOS
from diag.errors import BatchingParametersError
from diag.formats.text.batching_parameters import parse_batching_parameters


def attributes(text: str) -> BatchFunctionAttributes:
    return attributes_from_parameters(parse_batching_parameters(text, for_function=True))


def test_an_empty_file_gives_the_defaults_of_tensorflow_serving() -> None:
    assert attributes("") == BatchFunctionAttributes(
        num_batch_threads=os.cpu_count() or 1,
        max_batch_size=1000,
        batch_timeout_micros=0,
        max_enqueued_batches=10,
        allowed_batch_sizes=(),
        enable_large_batch_splitting=False,
    )


def test_every_field_that_can_be_honoured_is() -> None:
    found = attributes("""
        max_batch_size { value: 32 }
        batch_timeout_micros { value: 2000 }
        max_enqueued_batches { value: 7 }
        num_batch_threads { value: 3 }
        allowed_batch_sizes: 4
        allowed_batch_sizes: 8
        enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 8 }
    """)
    assert found == BatchFunctionAttributes(3, 32, 2000, 7, (4, 8), True)
    assert found.max_execution_batch_size == 8


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("pad_variable_length_inputs: true", "pad_variable_length_inputs"),
        ('thread_pool_name { value: "gpu0" }', "thread_pool_name"),
        (
            """max_batch_size { value: 8 } enable_large_batch_splitting { value: true }
               max_execution_batch_size { value: 4 }""",
            "max_execution_batch_size",
        ),
    ],
)
def test_what_batch_function_cannot_honour_is_refused_by_name(text: str, field: str) -> None:
    with pytest.raises(BatchingParametersError, match=field) as refusal:
        attributes(text)
    assert field in refusal.value.message + refusal.value.hint


def test_the_last_allowed_size_must_be_the_maximum() -> None:
    with pytest.raises(BatchingParametersError, match="allowed_batch_sizes"):
        attributes("max_batch_size { value: 16 } allowed_batch_sizes: 4 allowed_batch_sizes: 8")


def test_every_scenario_can_be_honoured() -> None:
    texts = [m.batching for s in SCENARIOS.values() for m in s.models if m.batching is not None]
    assert len(texts) >= 15
    for text in texts:
        assert attributes(text).max_batch_size >= 2
