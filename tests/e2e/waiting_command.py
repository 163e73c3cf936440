"""Commands that a test adds to the table: one that waits, one with a bug."""

from __future__ import annotations

import signal

import click


@click.command()
def wait() -> None:
    """Wait for a signal."""
    click.echo("waiting")
    signal.pause()


@click.command()
def crash() -> None:
    """Fail as a bug does."""
    raise KeyError("a\nb")
