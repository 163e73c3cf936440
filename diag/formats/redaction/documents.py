"""The documents of a bundle without names: what the server told, stacks, metrics, the manifest.

Only fields that diag knows are kept, so that a field of a later version or of another tool cannot
carry a name along.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from diag.errors import BatchingParametersError, MetricsParseError
from diag.formats.bundle.manifest import CaveatRecord, SourceRecord
from diag.formats.redaction.vocabulary import METRICS
from diag.formats.text.batching_parameters import (
    parse_batching_parameters,
    text_of_batching_parameters,
)
from diag.formats.text.prometheus import metrics_from_bytes, parse_metrics
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.formats.bundle.manifest import Manifest
    from diag.formats.redaction.names import Names
    from diag.model.capture import BatchingParameters
    from diag.model.samples import ServerInfo

_TARGET: Final = ("server", "address")
_PLAN: Final = (
    *("duration_ms", "host_tracer_level", "device_trace", "warmup", "max_bytes", "metrics", "dcgm"),
    *("gpu_rate_hz", "agent", "models", "require", "wait_for_traffic"),
)
_SOURCES: Final = ("trace", "host", "gpu", "dcgm", "probe", "stacks", "metrics", "server")
_OBSERVER: Final = frozenset(
    {
        *("what", "before", "during", "after", "seconds", "calls", "errors"),
        *("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"),
    }
)
_DEPTH_MAX: Final = 8
# Distributions whose modules and functions are public; the standard library's are, too.
_PUBLIC_PACKAGES: Final = frozenset(
    {
        *("tensorflow", "keras", "tf_keras", "numpy", "jax", "jaxlib", "flax", "absl", "grpc"),
        *(
            "google",
            "PIL",
            "pandas",
            "scipy",
            "flask",
            "werkzeug",
            "fastapi",
            "uvicorn",
            "starlette",
        ),
        *("gunicorn", "tornado", "aiohttp", "requests", "urllib3", "torch", "transformers"),
    }
)
_PLAIN_PATH: Final = re.compile(r"[\w./<>-]+", re.ASCII)
_METRIC: Final = re.compile(r"(:[\w:]+?)(_bucket|_sum|_count)?(\{.*\})?([ \t]+[-+.\w \t]+)")
_TYPE: Final = re.compile(r"# TYPE (\S+) ([a-z]+)")
# A page that cannot be read stays one: the analysis says so in both cases.
UNREADABLE: Final = b"diag left this page out: it is not Prometheus text\n"


def redact_parameters(parameters: BatchingParameters, names: Names) -> BatchingParameters:
    """The parameters with another name of the thread pool, and without the path of their file."""
    pool = parameters.thread_pool_name
    return replace(
        parameters,
        thread_pool_name=pool if pool is None else names.trace(pool),
        read_from="batching_parameters.txt" if parameters.read_from else "",
    )


def redact_server(info: ServerInfo, names: Names) -> ServerInfo:
    """Models, signatures and batching parameters; comments of the parameters' file are left out."""
    models, signatures = info.models, info.signatures
    return replace(
        info,
        models=_reason(models, names)
        if isinstance(models, Unavailable)
        else tuple(
            replace(each, name=names.learn(each.name, "model"), state=names.message(each.state))
            for each in models
        ),
        signatures=_reason(signatures, names)
        if isinstance(signatures, Unavailable)
        else {
            names.learn(model, "model"): _signatures(each, names)
            for model, each in signatures.items()
        },
        batching_parameters=_reason(info.batching_parameters, names)
        if isinstance(info.batching_parameters, Unavailable)
        else _parameters_text(info.batching_parameters, names),
    )


def _reason(value: Unavailable, names: Names) -> Unavailable:
    return Unavailable(names.message(value.reason))


def _signatures(node: Any, names: Names, depth: int = 0) -> Any:
    """Names of signatures and tensors; types, shapes and methods are public."""
    if depth > _DEPTH_MAX:
        return None
    if isinstance(node, dict):
        kinds = {"method_name", "inputs", "outputs", "dtype", "shape", "name"}
        return {
            key if key in kinds else names.name(key, "name" if depth else "signature"): _signatures(
                each, names, depth + 1
            )
            for key, each in node.items()
        }
    if isinstance(node, list):
        return [_signatures(each, names, depth + 1) for each in node]
    return names.trace(node) if isinstance(node, str) else node


def _parameters_text(text: str, names: Names) -> str:
    """The text of the same parameters; what the server would refuse stays refused."""
    try:
        parameters = parse_batching_parameters(text)
    except BatchingParametersError:
        return names.message(text)
    return text_of_batching_parameters(redact_parameters(parameters, names))


class _Frame(msgspec.Struct):
    file: str
    function: str
    first_line: int
    is_user: bool


class _Stacks(msgspec.Struct):
    period_ns: int
    frames: list[_Frame]
    stacks: msgspec.Raw
    samples: dict[str, msgspec.Raw]
    cost: dict[str, int] | None = None
    incomplete: str = ""


_COLUMNS: Final = ("unix_ns", "thread_id", "weight", "cpu_ns", "stack_id")
_COST: Final = ("readings", "cpu_ns", "elapsed_ns")


def redact_stacks(document: bytes, names: Names) -> bytes:
    """Files and functions of the program get pseudonyms, those of public packages stay.

    Args:
        document: One that ``decode_stacks`` accepts.
        names: Of the source.
    """
    stacks = msgspec.json.decode(document, type=_Stacks)
    for frame in stacks.frames:
        if frame.is_user or not _is_public_file(frame):
            frame.file, frame.function = names.trace(frame.file), names.trace(frame.function)
    stacks.samples = {key: stacks.samples[key] for key in _COLUMNS}
    if stacks.cost is not None:
        stacks.cost = {key: stacks.cost[key] for key in _COST}
    stacks.incomplete = names.message(stacks.incomplete)
    return msgspec.json.encode(stacks)


def _is_public_file(frame: _Frame) -> bool:
    """Of the standard library or a known distribution; texts that are no plain names are not."""
    top = frame.file.partition("/")[0].removesuffix(".py")
    texts = (frame.file, frame.function)
    return (top in _PUBLIC_PACKAGES or top in sys.stdlib_module_names) and all(
        _PLAIN_PATH.fullmatch(text) for text in texts
    )


def redact_metrics(page: bytes, names: Names) -> bytes:
    """Only the metrics that the analysis reads, with other labels; numbers keep their digits."""
    try:
        metrics_from_bytes(page)
    except MetricsParseError:
        return UNREADABLE
    lines = []
    known: dict[str, str] = {}
    for line in page.decode("utf-8").split("\n"):
        declared = _TYPE.match(line)
        if declared and declared[1] in METRICS:
            lines.append(f"# TYPE {declared[1]} {declared[2]}")
        found = _METRIC.fullmatch(line.strip())
        if found and not METRICS.isdisjoint((found[1], found[1] + (found[2] or ""))):
            name, labels = found[1] + (found[2] or ""), found[3] or ""
            if labels not in known:
                known[labels] = _labels(f"{name}{labels} 0", names) if labels else ""
            lines.append(f"{name}{known[labels]}{found[4]}")
    return "\n".join([*lines, ""]).encode()


def _labels(line: str, names: Names) -> str:
    (sample,) = parse_metrics(line)
    texts = []
    for key, value in sample.labels:
        told = names.learn(value, "model") if _names_model(key, value) else names.trace(value)
        escaped = told.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        texts.append(f'{names.trace(key)}="{escaped}"')
    return "{" + ",".join(texts) + "}"


def _names_model(key: str, value: str) -> bool:
    return key == "model_name" and value != "model_name_unset"


def redact_manifest(manifest: Manifest, names: Names) -> Manifest:
    """How the capture was made, without its addresses; versions of tools stay."""
    target = {key: names.address(str(manifest.target.get(key, ""))) for key in _TARGET}
    hosts = manifest.target.get("hostnames")
    plan = {key: manifest.plan[key] for key in _PLAN if key in manifest.plan}
    for key, value in plan.items():
        plan[key] = _plan_value(key, value, names)
    return msgspec.structs.replace(
        manifest,
        diag_version=names.message(manifest.diag_version),
        tools={names.message(k): names.message(v) for k, v in manifest.tools.items()},
        target={key: value for key, value in target.items() if value}
        | {key: bool(manifest.target[key]) for key in ("tls",) if key in manifest.target}
        | {
            key: names.message(str(manifest.target[key]))
            for key in ("trace",)
            if key in manifest.target
        }
        | (
            {"hostnames": [names.learn_host(str(h)) for h in hosts]}
            if isinstance(hosts, list)
            else {}
        ),
        plan=plan,
        clocks=tuple(
            msgspec.structs.replace(each, source=names.message(each.source))
            for each in manifest.clocks
        ),
        parts={},
        sources={
            key: SourceRecord(each.status, names.message(each.detail))
            for key, each in manifest.sources.items()
            if key in _SOURCES
        },
        caveats=tuple(
            CaveatRecord(names.message(each.code), names.message(each.text))
            for each in manifest.caveats
        ),
        observer=_observer(manifest.observer, names) if manifest.observer else None,
    )


def _plan_value(key: str, value: Any, names: Names) -> Any:
    if isinstance(value, list):
        return [
            names.learn(str(each), "model") if key == "models" else names.message(str(each))
            for each in value
        ]
    if isinstance(value, str):
        return names.address(value)
    return value if isinstance(value, bool | int | float) else None


def _observer(node: Any, names: Names, depth: int = 0) -> Any:
    """Numbers by phase and measure."""
    if depth > _DEPTH_MAX:
        return None
    if isinstance(node, dict):
        return {
            key if key in _OBSERVER else names.message(str(key)): _observer(each, names, depth + 1)
            for key, each in node.items()
        }
    if isinstance(node, list):
        return [_observer(each, names, depth + 1) for each in node]
    return names.message(node) if isinstance(node, str) else node
