"""Batching parameters: values that are refused, or that do something else than they seem to.

Semantics of every field: session_bundle_config.proto, bundle_factory_util.cc, batching_util.cc
(tensorflow/serving 9d981c5c), shared_batch_scheduler.h (TensorFlow 2.21).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.errors import BatchingParametersError
from diag.formats.config.text_proto import last
from diag.formats.text.batching_parameters import parse_batching_parameters
from diag.formats.text.batching_rules import SERVER_DEFAULT_MAX_BATCH_SIZE
from diag.linting.deployment import parameters_of
from diag.linting.documents import Kind
from diag.linting.problem import Advice, problem
from diag.linting.reading import PER_MODEL_FILE
from diag.model.finding import RemedyPlace, Setting, Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.config.place import Place
    from diag.linting.deployment import Deployment
    from diag.linting.documents import ConfigFile
    from diag.linting.problem import Problem
    from diag.model.capture import BatchingParameters

IDS = (
    "batching-file-refused",
    "allowed-sizes-unordered",
    "batch-timeout-below-poll",
    "batch-timeout-endless",
    "splitting-without-effect",
    "padding-repeats-first-element",
    "batching-field-ignored",
    "queue-shorter-than-callers",
)
# Idle batch threads look for expired timeouts once in so many µs (shared_batch_scheduler.h).
POLL_MICROS = 1000
# A request that waits a minute for company has been given up by its caller.
ENDLESS_MICROS = 60_000_000
DEFAULT_MAX_ENQUEUED_BATCHES = 10
_LINE = re.compile(r"^line (\d+): (.*)$", re.DOTALL)
_ENDING = re.compile(r"allowed_batch_sizes must end in max_batch_size \((\d+).*ends in (\d+)")
_OF_THE_POOL = ("num_batch_threads", "thread_pool_name")


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about the fields of batching files."""
    for file in deployment.config_files(Kind.BATCHING):
        parameters = parameters_of(file)
        if parameters is None:
            yield _refused(file)
            continue
        yield from _sizes(file, parameters)
        yield from _timeout(file, parameters)
        yield from _splitting(file, parameters)
        yield from _padding(file, parameters)
    yield from _ignored_fields(deployment)
    yield from _short_queues(deployment)


def _at(file: ConfigFile, name: str) -> Place:
    found = last(file.fields, name)
    return found.place if found else file.place


def _place_of(file: ConfigFile) -> RemedyPlace:
    per_model = file.name == PER_MODEL_FILE
    return RemedyPlace.PER_MODEL_FILE if per_model else RemedyPlace.BATCHING_PARAMETERS_FILE


def _refused(file: ConfigFile) -> Problem:
    """What protobuf's parser, or the scheduler's own checks, say about the file."""
    try:
        parse_batching_parameters(file.text)
    except BatchingParametersError as exc:
        found = _LINE.match(exc.message)
        line, what = (int(found[1]), found[2]) if found else (1, exc.message)
        place = file.place.moved(line, _column(file.text, line))
        hint = exc.hint or "correct it"
        ending = _ENDING.match(what)
        if ending:
            hint = (
                f"end allowed_batch_sizes in {ending[1]}, or set max_batch_size to {ending[2]}; "
                "both must be equal"
            )
        return problem(
            "batching-file-refused",
            Severity.CRITICAL,
            place,
            f"The server does not start with this file: {printable(what, 300).rstrip('.')}.",
            Advice(_sentence(printable(hint, 400)), _place_of(file)),
        )
    raise AssertionError("called for files that are refused")


def _column(text: str, line: int) -> int:
    lines = text.split("\n")
    written = lines[line - 1] if line <= len(lines) else ""
    return len(written) - len(written.lstrip()) + 1


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _sizes(file: ConfigFile, parameters: BatchingParameters) -> Iterator[Problem]:
    """The first size that fits is taken, so an unordered list pads more than it has to."""
    sizes = parameters.allowed_batch_sizes
    ordered = sorted(set(sizes))
    if list(sizes) == ordered:
        return
    places = [each.value_place for each in file.fields if each.name == "allowed_batch_sizes"]
    wrong = next((n for n in range(1, len(sizes)) if sizes[n] <= sizes[n - 1]), 0)
    yield problem(
        "allowed-sizes-unordered",
        Severity.WARNING,
        places[min(wrong, len(places) - 1)],
        f"allowed_batch_sizes {', '.join(map(str, sizes))} are not in ascending order. The first "
        f"size that fits is taken: a batch of 1 row is padded to {sizes[0]}.",
        Advice(
            f"Write them in order: {', '.join(map(str, ordered))}.",
            _place_of(file),
        ),
    )


def _timeout(file: ConfigFile, parameters: BatchingParameters) -> Iterator[Problem]:
    timeout = parameters.batch_timeout_micros
    if timeout is None or timeout == 0:
        return
    place = _at(file, "batch_timeout_micros")
    if timeout >= ENDLESS_MICROS:
        yield problem(
            "batch-timeout-endless",
            Severity.WARNING,
            place,
            f"batch_timeout_micros {timeout} is {_long(timeout)}: a batch starts only when it is "
            "full, so that requests of low traffic wait until their deadline.",
            Advice(
                "Set a timeout of a few milliseconds; 0 starts a batch as soon as a thread is "
                "free. An endless timeout is for load tests only.",
                _place_of(file),
                Setting("batch_timeout_micros", timeout, 2000),
            ),
        )
    elif timeout < POLL_MICROS:
        yield problem(
            "batch-timeout-below-poll",
            Severity.INFO,
            place,
            f"batch_timeout_micros {timeout} is below the {POLL_MICROS} µs between two looks at "
            f"the clock: batches start after 0 to {(timeout + POLL_MICROS) / 1000:.2g} ms.",
            Advice("Take 0, or at least 1000.", _place_of(file)),
        )


def _long(micros: int) -> str:
    seconds = micros / 1e6
    return f"{seconds / 60:.0f} minutes" if seconds < 86400 else "longer than a day"


def _splitting(file: ConfigFile, parameters: BatchingParameters) -> Iterator[Problem]:
    executed = parameters.max_execution_batch_size
    if not parameters.enable_large_batch_splitting:
        if executed is not None:
            yield problem(
                "splitting-without-effect",
                Severity.WARNING,
                _at(file, "max_execution_batch_size"),
                "max_execution_batch_size is read only with enable_large_batch_splitting; without "
                f"it, batches hold up to max_batch_size {_size(parameters)} rows.",
                Advice(
                    "Add enable_large_batch_splitting { value: true }, or remove the field.",
                    _place_of(file),
                ),
            )
        return
    if executed is None or executed == _size(parameters):
        yield problem(
            "splitting-without-effect",
            Severity.INFO,
            _at(file, "enable_large_batch_splitting"),
            f"Requests are split at max_execution_batch_size, which is max_batch_size "
            f"{_size(parameters)} here: no request is larger, so few are split, and only to fill "
            "a batch.",
            Advice(
                "Set max_batch_size to the largest request, and max_execution_batch_size to the "
                "rows of one batch.",
                _place_of(file),
            ),
        )


def _size(parameters: BatchingParameters) -> int:
    given = parameters.max_batch_size
    return SERVER_DEFAULT_MAX_BATCH_SIZE if given is None else given


def _padding(file: ConfigFile, parameters: BatchingParameters) -> Iterator[Problem]:
    if parameters.pad_variable_length_inputs:
        yield problem(
            "padding-repeats-first-element",
            Severity.WARNING,
            _at(file, "pad_variable_length_inputs"),
            "pad_variable_length_inputs fills shorter inputs with copies of their first element, "
            "not with zeros: a model without a mask or a length gives other answers in a batch.",
            Advice(
                "Check that the model gives the same answer with and without padding; else pad in "
                "the client, and leave this off.",
                _place_of(file),
            ),
            sure=False,
        )


def _ignored_fields(deployment: Deployment) -> Iterator[Problem]:
    """With per-model files, each of the two files counts for other fields."""
    for file in deployment.config_files(Kind.BATCHING):
        if file.name != PER_MODEL_FILE:
            continue
        for field in file.fields:
            if field.name in _OF_THE_POOL:
                yield problem(
                    "batching-field-ignored",
                    Severity.WARNING,
                    field.place,
                    f"{field.name} is ignored in a model's own file: the batch threads are shared "
                    "by all models.",
                    Advice(
                        f"Set {field.name} in the file of --batching_parameters_file.",
                        RemedyPlace.BATCHING_PARAMETERS_FILE,
                    ),
                )
    for server in deployment.servers:
        file_ = server.batching_file
        if file_ is None or not server.command.is_on("enable_per_model_batching_parameters"):
            continue
        ignored = [field for field in file_.fields if field.name not in _OF_THE_POOL]
        if ignored:
            names = ", ".join(dict.fromkeys(field.name for field in ignored))
            yield problem(
                "batching-field-ignored",
                Severity.WARNING,
                ignored[0].place,
                "With --enable_per_model_batching_parameters, the common file counts for its "
                f"threads only; ignored: {printable(names, 200)}.",
                Advice(
                    f"Move them into {PER_MODEL_FILE} in each model's version folder.",
                    RemedyPlace.PER_MODEL_FILE,
                ),
            )


def _short_queues(deployment: Deployment) -> Iterator[Problem]:
    """More handler threads than a queue and the batch threads can hold requests."""
    for server in deployment.servers:
        parameters, threads = server.parameters, server.grpc_threads
        file = server.batching_file
        if parameters is None or file is None or threads is None:
            continue
        if parameters.enable_large_batch_splitting or not server.command.is_on("enable_batching"):
            continue
        limit = parameters.max_enqueued_batches
        batches = DEFAULT_MAX_ENQUEUED_BATCHES if limit is None else max(limit, 1)
        running = parameters.num_batch_threads or int(server.machine_cpus or 1)
        room = (batches + running) * _size(parameters)
        if room < threads:
            yield problem(
                "queue-shorter-than-callers",
                Severity.WARNING,
                _at(file, "max_enqueued_batches"),
                f"Up to {threads} requests can be open, but {batches} waiting and {running} "
                f"running batches of {_size(parameters)} rows hold {room}: further ones are "
                "refused (UNAVAILABLE).",
                Advice(
                    "Raise max_enqueued_batches, unless refusing early is meant.",
                    _place_of(file),
                    Setting("max_enqueued_batches", batches, -(-threads // _size(parameters)) or 1),
                ),
                sure=server.command.number("grpc_max_threads") is not None,
            )
