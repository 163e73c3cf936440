"""A real recording under hostile names: of models, ops, hosts and files, and in its JSON parts.

Times, ids and what the analysis looks for stay, so that everything is shown of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from diag.formats.trace._rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLANTED = "window.planted=true"
# What runs script where a page takes a name for markup or a link, and what turns or hides text.
HOSTILE = (
    f"</script><script>{PLANTED}</script>",
    f"\"'><img src=x onerror={PLANTED}>",
    f"javascript:{PLANTED}",
    f"<svg onload={PLANTED}>",
    "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "abc\u202edcb\u200b\u2066\u200f",
    "]]><!--<script>|{code}`*_a_*`",
    "n" * 10_000,
    "{{ 7 * 7 }} ${7 * 7} {% raw %}",
)
INVALID = b"bad\xe8\xff\xfe"  # no UTF-8
MODEL = "".join(HOSTILE)
_NODE = re.compile(rb"(?s)([^:]+)(:[A-Za-z_]\w*)")
_MODEL_LABEL = re.compile(rb'(?<=model_name=")(?!model_name_unset)[^"]*')
_TRACE = ".xplane.pb"


def hostile_bundle(source: Path, *, trace: bytes = b"", metrics: bytes = b"") -> bytes:
    """A copy of a bundle of ``diag capture``; its manifest has the digests of the copies.

    Args:
        source: The bundle.
        trace: A further name of an op.
        metrics: The end of the model's name on the metrics page.
    """
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts.pop("diag/manifest.json"))
    made = dict(_rewritten(name, data, trace, metrics) for name, data in parts.items())
    manifest = _hostile_texts(manifest)
    manifest["parts"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        for name, data in made.items()
    }
    made["diag/manifest.json"] = json.dumps(manifest).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in made.items():
            archive.writestr(name, data)
    return out.getvalue()


def _rewritten(name: str, data: bytes, trace: bytes, metrics: bytes) -> tuple[str, bytes]:
    if name.endswith(_TRACE):
        folder = name.rpartition("/")[0]
        return f"{folder}/{HOSTILE[1].replace('/', '')}{_TRACE}", _hostile_trace(data, trace)
    if name.endswith(".prom"):
        escaped = MODEL.replace("\\", r"\\").replace('"', r"\"").encode() + metrics
        return name, _MODEL_LABEL.sub(lambda _: escaped, data)
    if name == "diag/server.json":
        return name, json.dumps(_hostile_models(json.loads(data))).encode()
    return name, data


def _hostile_trace(data: bytes, also: bytes) -> bytes:
    """Nodes of the graph and the host have other names; types of ops and events stay."""
    hostile = [*(each.replace(":", " ").encode() for each in HOSTILE), *filter(None, [also])]
    seen: dict[bytes, bytes] = {}

    def name(text: bytes) -> bytes:
        node = _NODE.fullmatch(text)
        if node is None or text.startswith(b"/"):  # the name of a plane
            return text
        number = len(seen)
        told = seen.setdefault(node[1], hostile[number % len(hostile)] + b" %d" % number)
        return told + node[2]

    return rewrite(data, name, lambda _: MODEL.encode(), lambda _: MODEL.encode(), bytes)


def _hostile_models(document: Any) -> Any:
    names = {each["name"] for each in document["models"]}
    models = [{**each, "name": MODEL} for each in document["models"]]
    signatures = {
        MODEL if model in names else model: {MODEL: next(iter(found.values()))}
        for model, found in document["signatures"].items()
    }
    return {**document, "models": models, "signatures": signatures}


def _hostile_texts(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the manifest quotes: addresses, hosts, versions, and why something is missing."""
    hostile = {**manifest, "diag_version": HOSTILE[3]}
    hostile["tools"] = dict(zip(manifest["tools"], _in_turn(), strict=False))
    hostile["target"] = {
        **manifest["target"],
        "server": MODEL,
        "address": HOSTILE[2],
        "hostnames": list(HOSTILE),
    }
    hostile["plan"] = {**manifest["plan"], "models": [MODEL]}
    hostile["sources"] = {
        name: {**each, "detail": text}
        for (name, each), text in zip(manifest["sources"].items(), _in_turn(), strict=False)
    }
    hostile["caveats"] = [{**each, "text": MODEL} for each in manifest["caveats"]]
    if "observer" in manifest:
        hostile["observer"] = {**manifest["observer"], "what": MODEL}
    return hostile


def _in_turn() -> Iterator[str]:
    while True:
        yield from HOSTILE
