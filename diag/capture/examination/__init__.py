"""What a capture of a server would find, without recording: one check after the other.

Nothing is written on the server, and its profiler is not started.
"""

from diag.capture.examination.order import examine
from diag.capture.examination.result import Examination, Examined, Status

__all__ = ["Examination", "Examined", "Status", "examine"]
