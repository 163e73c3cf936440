"""How many rows the warm-up requests of a model have.

The file is a TFRecord file of PredictionLog messages. Framing: tensorflow/core/lib/io/
record_writer.h (TensorFlow 2.21). Field numbers: tensorflow_serving/apis/
{prediction_log,predict}.proto (tensorflow/serving 9d981c5c), tensorflow/core/framework/
tensor.proto. Its place: tensorflow_serving/servables/tensorflow/saved_model_warmup_util.cc.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from diag.errors import InputError
from diag.formats.limits import MIB
from diag.formats.regular_file import open_regular
from diag.formats.saved_model.wire import WireError, messages, number

if TYPE_CHECKING:
    from pathlib import Path

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
RECORDS_MAX = 1000  # the server reads no more (kMaxNumRecords)
_RECORD_MAX_BYTES = 64 * MIB


def read_warmup_rows(path: Path) -> tuple[int, ...]:
    """Rows of each warm-up request of the Predict API; 0 where a request has no first dimension.

    Raises:
        InputError: Not a TFRecord file of PredictionLog messages, or a record of over 64 MiB.
    """
    rows: list[int] = []
    with open_regular(path) as file:
        while len(rows) < RECORDS_MAX:
            header = file.read(12)
            if not header:
                break
            if len(header) < 12:
                raise InputError(f"{path}: the last record is cut")
            (length,) = struct.unpack("<Q", header[:8])
            if length > _RECORD_MAX_BYTES:
                raise InputError(f"{path}: not a TFRecord file, or a record of {length:,} bytes")
            record = file.read(length + 4)
            if len(record) < length + 4:
                raise InputError(f"{path}: the last record is cut")
            try:
                rows.append(_rows(memoryview(record)[:length]))
            except WireError as exc:
                raise InputError(f"{path}: a record is no PredictionLog", cause=str(exc)) from exc
    return tuple(rows)


def _rows(log: memoryview) -> int:
    """Of the first input of a predict request: PredictionLog.6.1.2{2}.2.2.1."""
    for predict in messages(log, 6):
        for request in messages(predict, 1):
            for entry in messages(request, 2):
                for tensor in messages(entry, 2):
                    for shape in messages(tensor, 2):
                        for dim in messages(shape, 2):
                            return number(dim, 1)
    return 0
