"""One report or comparison, made in a process of its own: ``python -m diag.tensorboard.worker``.

It reads a ``Job`` as one line of JSON from stdin and writes ``Message``s, one line of JSON each, to
stdout. It ends when stdin is closed, and so with TensorBoard.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import msgspec

from diag.errors import DiagError
from diag.tensorboard.messages import Job, Message

JOB_MAX_BYTES = 1 << 20


def main() -> int:
    """Do the job of stdin."""
    line = sys.stdin.buffer.readline(JOB_MAX_BYTES)
    job = msgspec.json.decode(line, type=Job)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        _send(_compared(job) if job.compared_with else _reported(job))
    except DiagError as exc:
        _send(Message(error=" ".join(filter(None, (exc.message, exc.cause, exc.hint)))))
    return 0


def _reported(job: Job) -> Message:
    import diag
    from diag.tensorboard.spots import spots_of

    _send(Message(step="reading the trace"))
    capture = diag.open_bundle(Path(job.source))
    _send(Message(step="analyzing it"))
    analysis = diag.analyze(capture)
    _send(Message(step="drawing the report"))
    page = diag.render(diag.build_report(analysis), "html")
    return Message(page=page, spots=spots_of(analysis, diag.find(analysis)))


def _compared(job: Job) -> Message:
    import diag

    sides = []
    for name, source in (("first", job.source), ("second", job.compared_with)):
        _send(Message(step=f"analyzing the {name} run"))
        sides.append(diag.analyze(diag.open_bundle(Path(source))))
    _send(Message(step="comparing them"))
    comparison = diag.compare([sides[0]], [sides[1]])
    return Message(page=diag.render(diag.build_comparison(comparison), "html"))


def _send(message: Message) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_stdin() -> None:
    # Raw reads: a buffered one would hold the lock of stdin while the interpreter ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
