"""batching_parameters_file: everything the server takes, nothing it would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from diag.errors import BatchingParametersError, SourceNotFoundError
from diag.formats.text.batching_parameters import (
    parse_batching_parameters,
    read_batching_parameters,
)
from diag.model.capture import BatchingParameters
from tests.conftest import sample_path

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = """
# every field there is
max_batch_size { value: 64 }
batch_timeout_micros: { value: 2000 };
max_enqueued_batches < value: 0x64 >,
num_batch_threads { value: 010 }  # octal
thread_pool_name { value: 'gpu\\t"0"' " pool" }
allowed_batch_sizes: 8
allowed_batch_sizes: [16, 64]
pad_variable_length_inputs: true
enable_large_batch_splitting { value: true }
max_execution_batch_size { value: 32 }
"""


def test_every_field_in_every_way_of_writing_it() -> None:
    assert parse_batching_parameters(EVERYTHING) == BatchingParameters(
        max_batch_size=64,
        batch_timeout_micros=2000,
        max_enqueued_batches=100,
        num_batch_threads=8,
        thread_pool_name='gpu\t"0" pool',
        allowed_batch_sizes=(8, 16, 64),
        pad_variable_length_inputs=True,
        enable_large_batch_splitting=True,
        max_execution_batch_size=32,
    )


def test_what_is_left_out_stays_unknown() -> None:
    assert parse_batching_parameters("") == BatchingParameters()
    assert parse_batching_parameters("# nothing\n").max_batch_size is None


def test_the_recorded_servers_file_is_read() -> None:
    parameters = read_batching_parameters(sample_path("padding") / "batching_parameters.txt")
    assert parameters == BatchingParameters(
        max_batch_size=32,
        batch_timeout_micros=4000,
        max_enqueued_batches=100,
        num_batch_threads=2,
        thread_pool_name="model_server_batch_threads",
        allowed_batch_sizes=(8, 16, 32),
    )


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("max_bach_size { value: 8 }", "max_batch_size { value: 64 }"),
        ("batch_timeout_micro { value: 8 }", "batch_timeout_micros { value: 2000 }"),
        ("batching_threads { value: 8 }", "num_batch_threads { value: 8 }"),
        ("allowed_batch_size: 8", "allowed_batch_sizes: 8"),
        ("pad_variable_length_input: true", "pad_variable_length_inputs: true"),
    ],
)
def test_a_misspelt_field_names_the_nearest_valid_one(written: str, nearest: str) -> None:
    with pytest.raises(BatchingParametersError, match="line 2: no field") as caught:
        parse_batching_parameters(f"max_enqueued_batches {{ value: 3 }}\n{written}\n")
    assert caught.value.hint.startswith(f"did you mean {nearest}? valid: max_batch_size, ")


def test_a_field_like_no_other_lists_all_valid_ones() -> None:
    with pytest.raises(BatchingParametersError, match="line 1: no field 'zzz'") as caught:
        parse_batching_parameters("zzz: 1")
    assert caught.value.hint.startswith("valid: max_batch_size, batch_timeout_micros")
    assert caught.value.hint.endswith("max_execution_batch_size")


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("max_batch_size: 64", 'Expected "{"', "it is written max_batch_size { value: 64 }"),
        ("max_batch_size 64", 'Expected "{"', "it is written max_batch_size { value: 64 }"),
        ("max_batch_size { number: 3 }", "no field 'number' here", "only { value: … }"),
        ("allowed_batch_sizes { value: 8 }", 'Expected ":"', "written allowed_batch_sizes: 8"),
        ("allowed_batch_sizes: 8.5", "parse integer", "written allowed_batch_sizes: 8"),
        ("pad_variable_length_inputs: yes", "true", "pad_variable_length_inputs: true"),
        ('num_batch_threads { value: "8" }', "parse integer", "num_batch_threads { value: 8 }"),
        ("num_batch_threads { value: 99999999999999999999 }", "out of range", "value: 8"),
        ('thread_pool_name { value: "a }', "ending quote", "thread_pool_name { value:"),
        ("max_batch_size { value: 3", 'Expected "}"', "max_batch_size { value: 64 }"),
        ("<html>", "Expected identifier", "allowed_batch_sizes: 8"),
        ("[diag.x]: 1", "extensions", "allowed_batch_sizes: 8"),
    ],
)
def test_text_in_the_wrong_form_says_line_and_right_form(
    written: str, message: str, hint: str
) -> None:
    with pytest.raises(BatchingParametersError) as caught:
        parse_batching_parameters(f"\n\n{written}")
    assert caught.value.message.startswith("line 3: ")
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        (
            "allowed_batch_sizes: 8, 16, 1000",
            "line 1: several allowed_batch_sizes without brackets",
            "write allowed_batch_sizes: [8, 16, 1000], or the field once for each size",
        ),
        (
            "batching_parameters { max_batch_size { value: 8 } }",
            "line 1: no field 'batching_parameters' in a batching_parameters_file",
            "write the fields alone, without batching_parameters { } around them",
        ),
        (
            """{"batching_config": {"max_batch_size": {"value": 8}, "batch_timeout_micros": 2000,
            "allowed_batch_sizes": [4, 8], "pad_variable_length_inputs": true, "x": [1],
            "thread_pool_name": "a", "num_batch_threads": "many"}}""",
            "line 1: this is JSON, and the server takes protobuf's text format only",
            (
                "the same as text: max_batch_size { value: 8 } batch_timeout_micros "
                "{ value: 2000 } allowed_batch_sizes: [4, 8] pad_variable_length_inputs: true "
                'thread_pool_name { value: "a" }'
            ),
        ),
        ("{", "line 1: this is JSON", "the form as text: max_batch_size { value: 64 }, "),
        ("[" * 100_000, "line 1: this is JSON", "the form as text: max_batch_size { value: 64 }, "),
        ('{"max_batch_size": 8', "line 1: this is JSON", "the form as text: "),
    ],
    ids=["list", "wrapped", "json", "brace", "deep", "cut"],
)
def test_other_ways_that_people_write_it_are_named(written: str, message: str, hint: str) -> None:
    with pytest.raises(BatchingParametersError) as caught:
        parse_batching_parameters(written)
    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)


def test_json_as_text_is_a_file_that_the_server_takes() -> None:
    with pytest.raises(BatchingParametersError) as caught:
        parse_batching_parameters('{"max_batch_size": 8, "allowed_batch_sizes": [2, 8]}')
    converted = caught.value.hint.removeprefix("the same as text: ")
    assert parse_batching_parameters(converted) == BatchingParameters(
        max_batch_size=8, allowed_batch_sizes=(2, 8)
    )


def test_the_list_of_a_batch_function_ends_in_its_largest_executed_batch() -> None:
    text = f"{SPLITTING} max_execution_batch_size {{ value: 32 }} allowed_batch_sizes: [8, 32]"
    assert parse_batching_parameters(text, for_function=True).allowed_batch_sizes == (8, 32)


def test_a_field_that_is_set_twice_is_refused() -> None:
    with pytest.raises(BatchingParametersError, match="line 2: max_batch_size is set twice"):
        parse_batching_parameters("max_batch_size { value: 3 }\nmax_batch_size { value: 3 }")


SPLITTING = "enable_large_batch_splitting { value: true } max_batch_size { value: 64 }"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1, is 0"),
        ("max_batch_size {}", "max_batch_size must be at least 1, is 0"),
        ("num_batch_threads { value: -1 }", "num_batch_threads must be at least 1, is -1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be at least 0, is -1"),
        ("max_enqueued_batches { value: -1 }", "max_enqueued_batches must be at least 0, is -1"),
        (f"{SPLITTING} max_enqueued_batches {{}}", "max_enqueued_batches must be at least 1"),
        (
            "enable_large_batch_splitting { value: true }",
            "needs max_batch_size or max_execution_batch_size",
        ),
        (f"{SPLITTING} max_execution_batch_size {{ value: 65 }}", "must not exceed max_batch_size"),
        ("allowed_batch_sizes: 8", "must end in max_batch_size (1000, the default), ends in 8"),
        (
            "max_batch_size { value: 64 } allowed_batch_sizes: [8, 32]",
            "must end in max_batch_size (64), ends in 32",
        ),
        (
            f"{SPLITTING} max_execution_batch_size {{ value: 32 }} allowed_batch_sizes: [8, 32]",
            "must end in max_batch_size (64), ends in 32",
        ),
        (
            "max_batch_size {value: 64} max_execution_batch_size {value: 8} allowed_batch_sizes: 8",
            "must end in max_batch_size (64), ends in 8",
        ),
    ],
)
def test_values_the_server_would_refuse_are_refused(written: str, message: str) -> None:
    with pytest.raises(BatchingParametersError) as caught:
        parse_batching_parameters(f"\n{written}")
    assert caught.value.message.startswith("line 2: ")
    assert message in caught.value.message


@pytest.mark.parametrize(
    "written",
    [
        "max_enqueued_batches { value: 0 }",
        "batch_timeout_micros { value: 0 }",
        "allowed_batch_sizes: 1000",
        f"{SPLITTING} max_execution_batch_size {{ value: 32 }} allowed_batch_sizes: [8, 64]",
        "allowed_batch_sizes: [16, 8, 8, 0, 1000]",  # only the last one is checked
        "batch_timeout_micros { value: 9223372036854775807 }",
        "max_execution_batch_size { value: 0 }",  # not read without splitting
        "\ufeffmax_batch_size { value: 8 }",
        "max_batch_size { value: 8 } max_execution_batch_size { value: 64 }",
    ],
)
def test_values_at_the_servers_limits_are_taken(written: str) -> None:
    assert parse_batching_parameters(written) != BatchingParameters()


def test_errors_in_a_file_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "batching.txt"
    path.write_text("x: 1")
    with pytest.raises(BatchingParametersError, match=r"batching\.txt, line 1: no field 'x'"):
        read_batching_parameters(path)
    path.write_bytes(b"# \n\xff")
    with pytest.raises(BatchingParametersError, match=r"batching\.txt, line 2: not UTF-8"):
        read_batching_parameters(path)
    with pytest.raises(SourceNotFoundError, match="no such file"):
        read_batching_parameters(tmp_path / "nothing")
