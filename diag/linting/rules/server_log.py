"""What a server said when it started.

Texts: main.cc, server.cc, bundle_factory_util.cc, saved_model_warmup_util.cc, batching_util.cc,
file_system_storage_path_source.cc (tensorflow/serving 9d981c5c); dso_loader.cc and
cupti_error_manager.cc (TensorFlow and XLA 2.21).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.linting.problem import Advice, problem
from diag.model.finding import RemedyPlace, Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment
    from diag.linting.documents import ServerLog
    from diag.linting.problem import Problem

IDS = (
    "start-failed",
    "batching-not-in-force",
    "model-not-found",
    "size-above-allowed",
    "gpu-plane-missing",
)
_PATTERNS: tuple[tuple[re.Pattern[str], str, Severity, str, Advice], ...] = (
    (
        re.compile(r"^unknown argument: (.+)"),
        "flag-unknown",
        Severity.CRITICAL,
        "The server does not know {0!r}, and ran without it.",
        Advice(
            "Check how the flag is written; there may be more behind it.", RemedyPlace.SERVER_FLAG
        ),
    ),
    (
        re.compile(r"Failed to start server\. Error: (.+)"),
        "start-failed",
        Severity.CRITICAL,
        "The server did not start: {0}.",
        Advice("Correct what the message names.", RemedyPlace.SERVER_FLAG),
    ),
    (
        re.compile(r"Couldn't interpret value (\S*) for flag (\S+)"),
        "flag-value-refused",
        Severity.CRITICAL,
        "The server did not take {0!r} for --{1}, and ended.",
        Advice("Write --{1}=true, or a number, as the flag wants it.", RemedyPlace.SERVER_FLAG),
    ),
    (
        re.compile(r"No warmup data file found at (\S+)"),
        "warmup-missing",
        Severity.INFO,
        (
            "There are no warm-up requests at {0}: the first requests after each load take what "
            "the first run of every shape costs."
        ),
        Advice(
            "Write a warm-up file with one request for each batch size.", RemedyPlace.SAVED_MODEL
        ),
    ),
    (
        re.compile(r"[Cc]ould not load dynamic library '?(libcupti[^'; ]*)"),
        "gpu-plane-missing",
        Severity.WARNING,
        "The server did not find {0}: its traces will have no GPU.",
        Advice(
            "Install the CUDA profiling library in the image, and add its folder to "
            "LD_LIBRARY_PATH.",
            RemedyPlace.CONTAINER,
        ),
    ),
    (
        re.compile(r"(CUPTI_ERROR_INSUFFICIENT_PRIVILEGES|ERR_NVGPUCTRPERM)"),
        "gpu-plane-missing",
        Severity.WARNING,
        "The driver refused to let the server profile the GPU ({0}): its traces will have no GPU.",
        Advice(
            "Give the container the capability SYS_ADMIN, or set the module option "
            "NVreg_RestrictProfilingToAdminUsers=0 on the host.",
            RemedyPlace.CONTAINER,
        ),
    ),
    (
        re.compile(r"No versions of servable (\S+) found under base path (\S+)"),
        "model-not-found",
        Severity.CRITICAL,
        "No version of {0} was found below {1}: nothing is served.",
        Advice(
            "Put the model into a folder named by a number below that path, and check the mount.",
            RemedyPlace.SERVER_FLAG,
        ),
    ),
    (
        re.compile(r"Input batch size (\d+) is greater than (?:the )?largest allowed size (\d+)"),
        "size-above-allowed",
        Severity.WARNING,
        (
            "A batch of {0} rows is above the largest allowed size {1}: it runs as it is, a shape "
            "of its own."
        ),
        Advice("End allowed_batch_sizes in max_batch_size.", RemedyPlace.BATCHING_PARAMETERS_FILE),
    ),
)
_WRAPPED = re.compile(r"Wrapping (session|saved model|TFRT SavedModel) .*batch")
_LOADED = re.compile(r"Successfully loaded servable version")


def check(deployment: Deployment) -> Iterator[Problem]:
    """What the lines of a log say by themselves, and against the command lines."""
    for log in deployment.logs():
        seen: set[tuple[str, ...]] = set()
        for number, line in enumerate(log.lines, start=1):
            for pattern, rule, severity, what, advice in _PATTERNS:
                found = pattern.search(line)
                if found is None:
                    continue
                parts = tuple(printable(part.rstrip("."), 200) for part in found.groups())
                if (rule, *parts) in seen:
                    continue
                seen.add((rule, *parts))
                yield problem(
                    rule,
                    severity,
                    log.place.moved(number, found.start() + 1),
                    what.format(*parts),
                    Advice(advice.action.format(*parts), advice.place),
                )
        yield from _not_wrapped(deployment, log)


def _not_wrapped(deployment: Deployment, log: ServerLog) -> Iterator[Problem]:
    """Batching asked for, a model loaded, and no session wrapped."""
    asking = [
        server.command
        for server in deployment.servers
        if server.command.is_on("enable_batching")
        and not server.command.is_on("enable_per_model_batching_parameters")
    ]
    loaded = next((n for n, line in enumerate(log.lines, 1) if _LOADED.search(line)), None)
    wrapped = any(_WRAPPED.search(line) for line in log.lines)
    if len(asking) == len(deployment.servers) == 1 and loaded is not None and not wrapped:
        yield problem(
            "batching-not-in-force",
            Severity.WARNING,
            log.place.moved(loaded, 1),
            "The command line asks for batching, and the log shows a model that was loaded "
            "without: this log may be of a server started with other flags.",
            Advice(
                "Compare the flags of the running process: diag lint --pid PID.",
                RemedyPlace.SERVER_FLAG,
            ),
            sure=False,
        )
