"""Lists of models, and folders of models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.linting.deployment import model_configs
from diag.linting.documents import Kind
from diag.linting.problem import Advice, problem
from diag.linting.reading import PER_MODEL_FILE
from diag.model.finding import RemedyPlace, Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.config.place import Place
    from diag.formats.config.text_proto import Field
    from diag.linting.deployment import Deployment
    from diag.linting.documents import ConfigFile
    from diag.linting.problem import Problem

IDS = (
    "base-path-is-version",
    "base-path-relative",
    "model-listed-twice",
    "model-platform-missing",
    "model-list-refused",
    "model-without-batching-file",
)
_URI = re.compile(r"[A-Za-z][\w.+-]*://")
# model_server_config.proto, 9d981c5c.
_MODEL_FIELDS = frozenset(
    {
        "name",
        "base_path",
        "model_type",
        "model_platform",
        "model_version_policy",
        "version_labels",
        "logging_config",
    }
)
_POLICIES = frozenset({"latest", "all", "specific"})


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about which models are served, and from where."""
    for file in deployment.config_files(Kind.MODELS):
        yield from _list(file)
    for server in deployment.servers:
        use = server.command.flag("model_base_path")
        if use is not None and use.value and not use.is_implied and not use.is_variable:
            yield from _path(use.value, use.value_place, RemedyPlace.SERVER_FLAG)
    yield from _without_own_file(deployment)


def _path(path: str, place: Place, where: RemedyPlace) -> Iterator[Problem]:
    parent, _, end = path.rstrip("/").rpartition("/")
    if end.isdigit() and parent:
        yield problem(
            "base-path-is-version",
            Severity.CRITICAL,
            place,
            f"{printable(path, 200)} ends in a version. The server looks for version folders below "
            "the path, finds none, and serves nothing.",
            Advice(f"Write {printable(parent, 200)}.", where),
        )
    if path and not path.startswith("/") and not _URI.match(path):
        yield problem(
            "base-path-relative",
            Severity.CRITICAL,
            place,
            f"The base path {printable(path, 200)} is not absolute: the server does not start.",
            Advice("Write the absolute path, or a URI such as gs://bucket/model.", where),
        )


def _list(file: ConfigFile) -> Iterator[Problem]:
    seen: set[str] = set()
    where = RemedyPlace.MODEL_CONFIG_FILE
    for config in model_configs(file):
        for field in config.fields:
            if field.name not in _MODEL_FIELDS:
                yield problem(
                    "model-list-refused",
                    Severity.CRITICAL,
                    field.place,
                    f"A model has no field {printable(field.name, 60)}: the server does not start "
                    "with this file.",
                    Advice(
                        "Remove it. Batching is set with --enable_batching and a file of its own.",
                        where,
                    ),
                )
        policy = config.get("model_version_policy")
        if policy is not None and not _is_policy(policy):
            yield problem(
                "model-list-refused",
                Severity.CRITICAL,
                policy.place,
                "This is no model_version_policy: the server does not start with this file.",
                Advice(
                    "Write model_version_policy { latest { num_versions: 1 } }, { all {} } or "
                    "{ specific { versions: 3 } }.",
                    where,
                ),
            )
        name, path = config.get("name"), config.get("base_path")
        if name is not None and name.value in seen:
            yield problem(
                "model-listed-twice",
                Severity.CRITICAL,
                name.value_place,
                f"The model {printable(name.value, 60)} is listed twice: the server does not "
                "start.",
                Advice("Give each model a name of its own.", where),
            )
        seen.add(name.value if name else "")
        if path is not None:
            yield from _path(path.value, path.value_place, where)
        platform, type_ = config.get("model_platform"), config.get("model_type")
        if platform is None and type_ is None:
            yield problem(
                "model-platform-missing",
                Severity.CRITICAL,
                config.place,
                "The model has no model_platform: the server does not start.",
                Advice('Add model_platform: "tensorflow".', where),
            )
        elif platform is not None and platform.value != "tensorflow":
            yield problem(
                "model-platform-missing",
                Severity.CRITICAL,
                platform.value_place,
                f'model_platform "{printable(platform.value, 40)}" is not known to the server, '
                'unless a platform_config_file defines it; it knows "tensorflow".',
                Advice('Write model_platform: "tensorflow".', where),
                sure=False,
            )


def _without_own_file(deployment: Deployment) -> Iterator[Problem]:
    """With the per-model flag, a model without its own file is not batched (9d981c5c)."""
    for server in deployment.servers:
        command = server.command
        flag = command.flag("enable_per_model_batching_parameters")
        on = command.is_on("enable_per_model_batching_parameters")
        if flag is None or not on or not command.is_on("enable_batching"):
            continue
        for model in server.models:
            lacking = [each for each in model.saved if not each.per_model_batching]
            for saved in lacking:
                yield problem(
                    "model-without-batching-file",
                    Severity.WARNING,
                    saved.place,
                    f"The version has no {PER_MODEL_FILE}: with "
                    "--enable_per_model_batching_parameters, it is not batched.",
                    Advice(
                        f"Add {PER_MODEL_FILE} next to saved_model.pb in every version, or drop "
                        "the flag.",
                        RemedyPlace.PER_MODEL_FILE,
                    ),
                )


def _is_policy(field: Field) -> bool:
    return field.is_message and all(
        each.is_message and each.name in _POLICIES for each in field.fields
    )
