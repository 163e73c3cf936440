"""Columns of messages, compared with protobuf's own encoder."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as theirs

from diag.formats.tracks.packing import Rows

NUMBERS = st.integers(0, 2**63 - 1)


@given(st.lists(st.tuples(NUMBERS, st.booleans(), st.integers(0, 2**32 - 1)), min_size=1))
def test_packed_messages_are_those_that_protobuf_writes(
    cases: list[tuple[int, bool, int]],
) -> None:
    time, flag, sequence = (np.array(column) for column in zip(*cases, strict=True))
    rows = Rows(len(cases), 64)
    with rows.message(1):
        rows.varint(8, time)
        rows.varint(10, sequence)
        with rows.message(11):
            rows.varint(11, time, flag)
            rows.fixed64(44, time.astype(np.float64), flag)
    trace = theirs.Trace()
    for t, f, s in cases:
        packet = trace.packet.add(timestamp=t, trusted_packet_sequence_id=s)
        packet.track_event.SetInParent()
        if f:
            packet.track_event.track_uuid = t
            packet.track_event.double_counter_value = float(t)
    assert rows.packed() == trace.SerializeToString()
    assert rows.lengths.sum() == len(rows.packed())
