"""The iterators of tf.data in a trace: which stage each event is of, and how stages are nested."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s

_EPOCH = re.compile(r"\[\d+\]")
_NUMBERS = re.compile(r"\d+")
PIPELINES_MAX = 8  # shown one by one; more of one form are the same pipeline made again
STAGES_MAX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Iterators:
    """Events of iterators.

    Attributes:
        rows: (n,) int64, ascending rows.
        pipeline: (n,) int64, index into ``roots``; -1 where the root is not known.
        path: (n,) int64, index into ``paths``.
        paths: Paths from the root, without epochs.
        roots: Names of the pipelines' last datasets.
        instances: Iterators of each pipeline.
    """

    rows: Int64s
    pipeline: Int64s
    path: Int64s
    paths: tuple[str, ...]
    roots: tuple[str, ...]
    instances: tuple[int, ...]


def find_iterators(events: EventTable) -> Iterators:
    """All iterators under an ``Iterator::Root``; by their ids, or where these are missing as one.

    The id of an iterator is the same for its life; a repeated part gets a new one each epoch.
    """
    rows = events.rows_where(lambda name: name.startswith(ev.ITERATOR_ROOT))
    names = {i: _EPOCH.sub("", events.names[i]) for i in np.unique(events.name_id[rows]).tolist()}
    paths = tuple(dict.fromkeys(names.values()))
    index = {path: k for k, path in enumerate(paths)}
    path = np.array([index[names[i]] for i in events.name_id[rows].tolist()], np.int64)
    root = _roots(events, rows)
    keys, of_key = np.unique(root, return_inverse=True)
    labels = [_label(events, rows[(of_key == k)]) for k in range(len(keys))]
    if len(keys) > PIPELINES_MAX:  # made again and again: one pipeline for each form
        labels = [_NUMBERS.sub("N", label) for label in labels]
    forms = tuple(dict.fromkeys(labels)) if len(keys) > PIPELINES_MAX else tuple(labels)
    if len(keys) > PIPELINES_MAX:
        pipeline = np.array([forms.index(each) for each in labels], np.int64)[of_key]
        instances = tuple(labels.count(form) for form in forms)
    else:
        pipeline, instances = of_key.astype(np.int64), (1,) * len(forms)
    return Iterators(rows, pipeline, path, paths, forms, instances)


def _label(events: EventTable, rows: Int64s) -> str:
    """The name of the root's dataset, or of the first event."""
    is_root = np.array([events.names[i] == ev.ITERATOR_ROOT for i in events.name_id[rows].tolist()])
    chosen = rows[is_root] if is_root.any() else rows
    name = int(events.stat(ev.STAT_NAME).at(chosen[:1])[0]) if len(chosen) else -1
    return events.names[name] if name >= 0 else ev.ITERATOR_ROOT


def _roots(events: EventTable, rows: Int64s) -> Int64s:
    """(n,) id of the root above each event; its own id where no parent is known."""
    ids = events.stat(ev.STAT_ID).at(rows, default=0)
    parents = events.stat(ev.STAT_PARENT_ID).at(rows, default=0)
    known, first = np.unique(ids, return_index=True)
    above = parents[first]
    at = np.searchsorted(known, above)
    at = np.where((at < len(known)) & (known[np.minimum(at, len(known) - 1)] == above), at, -1)
    at = np.where((above == 0) | (above == known), -1, at)
    top = np.arange(len(known))
    for _ in range(STAGES_MAX):  # deeper pipelines, and cycles of damaged files, end here
        step = np.where(at[top] >= 0, at[top], top)
        if (step == top).all():
            break
        top = step
    return np.asarray(known[top][np.searchsorted(known, ids)], np.int64)
