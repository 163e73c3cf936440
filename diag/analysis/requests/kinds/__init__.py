"""The kinds of requests, one module each.

``KINDS`` is their order: a step that one kind takes is no request of a later kind, and of requests
with the same begin and end that of the earlier kind comes first in the table. To add a kind, write
a module with the two functions of ``RequestKind`` and put it here, before ``unbatched``, which
takes every step that is left.
"""

from diag.analysis.requests.kinds import (
    batch_function,
    batching_session,
    eager_function,
    unbatched,
)
from diag.analysis.requests.kinds.kind import NO_ROOTS, KindInputs, RequestKind, Roots

KINDS: tuple[RequestKind, ...] = (batching_session, batch_function, eager_function, unbatched)

__all__ = ["KINDS", "NO_ROOTS", "KindInputs", "RequestKind", "Roots"]
