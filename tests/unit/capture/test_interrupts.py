from __future__ import annotations

import os
import signal
import threading

import pytest

from diag.capture.interrupts import Interrupts


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_before_anything_is_worth_keeping_a_signal_raises() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        assert not interrupts.noted


def test_the_first_is_noted_once_armed_and_the_second_raises() -> None:
    with Interrupts() as interrupts:
        interrupts.arm()
        interrupt()
        assert interrupts.noted
        with pytest.raises(KeyboardInterrupt):
            interrupt()


def test_a_shield_holds_a_signal_back_until_the_outermost_ends() -> None:
    reached = []

    def guarded(interrupts: Interrupts) -> None:
        with interrupts.shield():
            with interrupts.shield():
                interrupt()
                reached.append("the end of the inner one")
            reached.append("the end of the outer one")
        reached.append("beyond")

    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        guarded(interrupts)
    assert reached == ["the end of the inner one", "the end of the outer one"]


def test_a_waiting_loop_within_a_shield_can_ask() -> None:
    with Interrupts() as interrupts, interrupts.shield():
        interrupts.check()
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.check()


def test_an_error_within_a_shield_is_not_hidden_by_a_signal() -> None:
    def failing(interrupts: Interrupts) -> None:
        with interrupts.shield():
            interrupt()
            raise ValueError("mine")

    with Interrupts() as interrupts:
        with pytest.raises(ValueError, match="mine"):
            failing(interrupts)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_the_handlers_from_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_changes_no_handler() -> None:
    seen = []

    def elsewhere() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]
