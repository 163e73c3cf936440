"""Command lines of servers in shell scripts, Dockerfiles, systemd units and processes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.formats.config.place import Place
from diag.formats.config.shell_words import Word, split_commands
from diag.linting.documents import Container, ServerCommand
from diag.linting.flags import FLAGS, FlagUse, read_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAM = "tensorflow_model_server"
_IMAGE = re.compile(r"(^|/)(tensorflow[-_/]?(model[-_]?)?serving|tf[-_]?serving)\b", re.IGNORECASE)
# tensorflow_serving/tools/docker/Dockerfile, 9d981c5c: what the image's entrypoint adds before the
# arguments of the container.
_ENTRYPOINT = "tf_serving_entrypoint.sh"
_IMPLIED = (("port", "8500"), ("rest_api_port", "8501"), ("model_name", "${MODEL_NAME}"))
_IMPLIED_PATH = ("model_base_path", "${MODEL_BASE_PATH}/${MODEL_NAME}")
_NO_CONTAINER = Container()
_SHELL = re.compile(r"(^|/)(ba|da|z)?sh$")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)
_INSTRUCTION = re.compile(r"^\s*(ENTRYPOINT|CMD|RUN|FROM|ENV)\b[ \t]*", re.IGNORECASE)
_EXEC_START = re.compile(r"^\s*ExecStart\s*=\s*[-@:+!]*", re.MULTILINE)
_QUOTA = re.compile(r"^\s*CPUQuota\s*=\s*(\d+)\s*%", re.MULTILINE)
_CPUS_MAX = 100_000


def is_serving_image(name: str) -> bool:
    """Whether an image's name says that it holds TensorFlow Serving."""
    return bool(_IMAGE.search(name))


def command_of(
    words: Sequence[Word], container: Container = _NO_CONTAINER
) -> Iterator[ServerCommand]:
    """The server's command line within the words of a command, if there is one.

    Args:
        words: Of one simple command, such as ``docker run … tensorflow/serving --port=8500``.
        container: What is known of its surroundings.
    """
    for number, word in enumerate(words):
        rest = words[number + 1 :]
        if word.text.endswith(PROGRAM) or word.text.endswith(f"{PROGRAM}.exe"):
            yield ServerCommand(word.place, read_arguments(rest), container)
            return
        if word.text.endswith(_ENTRYPOINT):
            yield behind_entrypoint(rest, container, word.place)
            return
        if _SHELL.search(word.text) and len(rest) > 1 and re.fullmatch(r"-\w*c", rest[0].text):
            for inner in split_commands(rest[1].text, rest[1].place):
                yield from command_of(inner, container)
            return
        in_docker = any(each.text in ("docker", "podman", "nerdctl") for each in words[:number])
        if in_docker and is_serving_image(word.text) and not word.text.startswith("-"):
            inside = _docker_container(words[:number], word.text)
            entrypoint = _option(words[:number], "--entrypoint")
            if rest and not rest[0].text.startswith("-"):
                yield from command_of(rest, inside)
            elif entrypoint is None or entrypoint.endswith(PROGRAM):
                if entrypoint is None:
                    yield behind_entrypoint(rest, inside, word.place)
                else:
                    yield ServerCommand(word.place, read_arguments(rest), inside)
            return


def behind_entrypoint(words: Sequence[Word], container: Container, place: Place) -> ServerCommand:
    """The arguments of a container of the official image: its entrypoint adds some before them."""
    arguments = read_arguments(words)
    implied = tuple(
        FlagUse(name, value, place, place, is_implied=True)
        for name, value in (*_IMPLIED, _IMPLIED_PATH)
    )
    return ServerCommand(place, replace(arguments, flags=implied + arguments.flags), container)


def in_shell_text(text: str, start: Place) -> Iterator[ServerCommand]:
    """All command lines of servers in a shell text, or one that is only the flags."""
    found = False
    for words in split_commands(text, start):
        for command in command_of(words):
            found = True
            yield command
    if found:
        return
    lines = [words for words in split_commands(text, start) if words[0].text.startswith("--")]
    listed = [word for words in lines for word in words]
    if any(word.text[2:].partition("=")[0] in FLAGS for word in listed):
        yield ServerCommand(listed[0].place, read_arguments(listed), _NO_CONTAINER)


def in_dockerfile(text: str, start: Place) -> Iterator[ServerCommand]:
    """ENTRYPOINT and CMD together, as Docker puts them together; the last of each counts."""
    images = _FROM.findall(text)
    image = images[-1] if images else ""
    entrypoint: list[Word] | None = None
    arguments: list[Word] = []
    is_shell_form = False
    for name, content, place in _instructions(text, start):
        if name == "ENTRYPOINT":
            entrypoint, is_shell_form = list(_form(content, place)), not content.startswith("[")
        elif name == "CMD":
            arguments = list(_form(content, place))
    container = Container(image=image)
    if entrypoint is None and is_serving_image(image):
        if arguments and not arguments[0].text.startswith("-"):
            yield from command_of(arguments, container)
        elif arguments:
            yield behind_entrypoint(arguments, container, arguments[0].place)
        return
    # In shell form, Docker runs the ENTRYPOINT alone and drops CMD.
    yield from command_of([*(entrypoint or []), *([] if is_shell_form else arguments)], container)


def in_systemd_unit(text: str, start: Place) -> Iterator[ServerCommand]:
    """ExecStart of a unit, with its CPUQuota."""
    quota = _QUOTA.search(text)
    container = _NO_CONTAINER
    if quota:
        line = text.count("\n", 0, quota.start()) + 1
        container = Container(cpus=int(quota[1]) / 100, cpus_place=start.moved(line, 1))
    for found in _EXEC_START.finditer(text):
        for words in split_commands(text[found.end() :], _place(text, found.end(), start)):
            yield from command_of(words, container)
            break


def in_process(arguments: Sequence[str], place: Place, container: Container) -> ServerCommand:
    """The command line of a running server: its words as the system gives them."""
    words = tuple(
        Word(text, replace(place, line=1, column=number + 1))
        for number, text in enumerate(arguments)
    )
    return ServerCommand(place, read_arguments(words), container)


def _instructions(text: str, start: Place) -> Iterator[tuple[str, str, Place]]:
    """Name, content and the content's place; continued lines are one instruction."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        found = _INSTRUCTION.match(lines[number])
        first = number
        while lines[number].rstrip().endswith("\\") and number + 1 < len(lines):
            number += 1
        if found:
            content = "\n".join([lines[first][found.end() :], *lines[first + 1 : number + 1]])
            yield found[1].upper(), content, start.moved(first + 1, found.end() + 1)
        number += 1


def _form(content: str, place: Place) -> Iterator[Word]:
    """The words of an instruction in JSON (exec) or shell form."""
    if content.lstrip().startswith("["):
        try:
            items = json.loads(content.replace("\\\n", "  "))
        except ValueError:
            return
        position = 0
        for item in items if isinstance(items, list) else ():
            literal = json.dumps(item)
            at = content.find(literal, position)
            at = position if at < 0 else at
            position = at + len(literal)
            yield Word(str(item), _place(content, at + 1, place))
        return
    for words in split_commands(content, place):
        yield from words


def _place(text: str, position: int, start: Place) -> Place:
    line = text.count("\n", 0, position) + 1
    return start.moved(line, position - (text.rfind("\n", 0, position) + 1) + 1)


def _option(words: Sequence[Word], name: str) -> str | None:
    for number, word in enumerate(words):
        if word.text == name and number + 1 < len(words):
            return words[number + 1].text
        if word.text.startswith(f"{name}="):
            return word.text[len(name) + 1 :]
    return None


def _docker_container(words: Sequence[Word], image: str) -> Container:
    cpus = _option(words, "--cpus")
    env: dict[str, tuple[str, Place]] = {}
    for number, word in enumerate(words[1:], start=1):
        if words[number - 1].text in ("-e", "--env"):
            name, equals, value = word.text.partition("=")
            if equals:
                env[name] = (value, word.place)
    return Container(cpus=number_of_cpus(cpus or ""), image=image, env=env)


def number_of_cpus(text: str) -> float | None:
    """``2``, ``0.5`` or Kubernetes' ``500m``; None for anything else."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?)(m?)", text.strip())
    if not found:
        return None
    cpus = float(found[1]) / (1000 if found[2] else 1)
    return cpus if 0 < cpus <= _CPUS_MAX else None
