from __future__ import annotations

import msgspec

from diag.agent.streams import SourceStream
from tests.support.agent import CountingReader, loads

MS = 1_000_000


def test_what_is_too_large_for_one_reply_goes_in_several() -> None:
    stream = SourceStream(CountingReader(10 * MS, ballast=0), 100, message_max_bytes=400)
    for reading in range(40):
        stream.buffer.put({"unix_ns": reading, "load_1m": reading})
    replies = list(stream.replies())
    assert loads(replies, msgspec.json.decode) == list(range(40))
    assert len(replies) > 3
    assert all(len(reply.lines) <= 400 for reply in replies)


def test_a_sample_that_is_too_large_by_itself_is_given_up_and_counted() -> None:
    stream = SourceStream(CountingReader(10 * MS, ballast=1), 100, message_max_bytes=2000)
    for reading, ballast in enumerate([[], [1.5] * 2000, []]):
        sample = {"unix_ns": reading, "load_1m": reading, "ballast_0": ballast}
        stream.buffer.put(sample)
    replies = list(stream.replies())
    assert loads(replies, msgspec.json.decode) == [0, 2]
    assert replies[-1].dropped == 1
    assert stream.buffer.taken == 2


def test_a_sample_that_cannot_be_written_costs_itself_only() -> None:
    stream = SourceStream(CountingReader(10 * MS, ballast=0), 100, message_max_bytes=2000)
    for reading in range(4):
        load = float("nan") if reading == 1 else reading
        stream.buffer.put({"unix_ns": reading, "load_1m": load})
    replies = list(stream.replies())
    assert loads(replies, msgspec.json.decode) == [0, 2, 3]
    assert replies[-1].dropped == 1


def test_a_stream_that_was_never_read_from_says_why_there_is_nothing() -> None:
    stream = SourceStream(CountingReader(10 * MS, ballast=0), 100, message_max_bytes=2000)
    (last,) = stream.end("the agent was stopped")
    assert last.unavailable == "the recording was shorter than one reading"
    assert last.ended == "the agent was stopped"
