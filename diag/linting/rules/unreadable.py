"""Files that the server cannot take as they are, and settings that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.text.batching_hints import EXAMPLES
from diag.linting.documents import Kind
from diag.linting.problem import Advice, problem
from diag.model.finding import RemedyPlace, Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.linting.deployment import Deployment
    from diag.linting.documents import Invented
    from diag.linting.problem import Problem

IDS = ("config-unreadable", "invented-setting")
_PLACES = {
    Kind.BATCHING: RemedyPlace.BATCHING_PARAMETERS_FILE,
    Kind.MODELS: RemedyPlace.MODEL_CONFIG_FILE,
}


def check(deployment: Deployment) -> Iterator[Problem]:
    """Files that hold no message of the server, and files in forms it does not know."""
    for each in deployment.unreadable():
        meant = f" as a {each.kind.value}" if each.kind else ""
        yield problem(
            "config-unreadable",
            Severity.CRITICAL,
            each.place,
            f"This cannot be read{meant}: {printable(each.what, 300)}.",
            Advice(
                "Correct it; the server takes protobuf's text format, such as "
                "max_batch_size { value: 64 }."
                if each.kind
                else "Correct it, or export the model again.",
                _PLACES.get(each.kind, RemedyPlace.SERVER_FLAG)
                if each.kind
                else RemedyPlace.SAVED_MODEL,
            ),
        )
    for invented in deployment.invented():
        yield _invented(invented)


def _invented(found: Invented) -> Problem:
    name = printable(found.name, 60)
    if found.form == "text":
        names = ", ".join(printable(each.name, 40) for each in found.fields)
        what = f"The server knows no {names} {{ }} in its files, and refuses to start with it."
        fix = "Remove it; what the server can do, its flags say (tensorflow_model_server --help)."
        if any(each.name in EXAMPLES for field in found.fields for each in field.fields):
            fix = (
                "Write the fields alone, without anything around them, into a file of their own, "
                "and give that with --enable_batching --batching_parameters_file=FILE."
            )
    else:
        what = (
            f"{name} is {found.form}. The server reads protobuf's text format only, and refuses to "
            "start with this file."
        )
        fix = "Write it in the text format; diag lint --fix DIR does so."
    inside = _batching_names(found)
    if inside and found.form != "text":
        what += (
            f" Nor does a list of models hold batching settings ({', '.join(inside)}): they go "
            "into a file of their own."
        )
    return problem(
        "invented-setting",
        Severity.CRITICAL,
        found.place,
        what,
        Advice(fix, RemedyPlace.SERVER_FLAG),
    )


def _batching_names(found: Invented) -> list[str]:
    """Names of batching settings inside a JSON or YAML list of models."""
    if found.root is None or found.root.get("model_config_list") is None:
        return []
    wanted = ("batching_parameters", "batching_config", "batching_params", "max_batch_size")
    names = {key.text for node in found.root.walk() for key, _ in node.entries}
    return [name for name in wanted if name in names]
