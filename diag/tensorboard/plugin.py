"""The plugin: its routes, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tensorboard.plugins import base_plugin
from werkzeug import Request, Response

from diag.model.printable import printable
from diag.tensorboard.reports import Reports, Result
from diag.tensorboard.runs import Listing, Recording
from diag.tensorboard.viewers import trace_viewer_path

NAME = "diag"
# A page of another site cannot send this header without asking first, which nothing here answers.
REQUEST_HEADER = "X-Diag-Request"
_STATIC = {
    "index.html": "text/html; charset=utf-8",
    "index.js": "text/javascript; charset=utf-8",
    "tab.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}
_FOLDER = Path(__file__).with_name("static")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Refusal(Exception):  # noqa: N818  an answer, not an error of the program
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class DiagPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """Reports of the runs that TensorBoard's profile plugin shows, next to that plugin."""

    plugin_name = NAME

    def __init__(self, context: Any) -> None:
        """Nothing is read yet.

        Args:
            context: TensorBoard's ``TBContext``; only ``logdir`` is used.
        """
        super().__init__(context)
        logdir = context.logdir or ""
        # An address such as gs://bucket is no folder, and then there are no runs.
        self._listing = Listing(Path(logdir)) if logdir else None
        self._reports = Reports()

    def is_active(self) -> bool:
        """Whether a run was found; the folder is walked on another thread."""
        found, problem = self._runs()
        return bool(found or problem)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """A tab with a page of its own."""
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name=NAME)

    def get_plugin_apps(self) -> Mapping[str, Callable[..., Any]]:
        """Route by path, below ``/data/plugin/diag``."""
        routes: dict[str, Callable[[Request], Response]] = {
            "/runs": self._serve_runs,
            "/state": self._serve_state,
            "/start": self._serve_start,
            "/report": self._serve_report,
            **{f"/{name}": _static_route(name) for name in _STATIC},
        }
        return {path: Request.application(_answering(route)) for path, route in routes.items()}

    def _runs(self) -> tuple[tuple[Recording, ...], str]:
        if self._listing is None:
            return (), ""
        return self._listing.get()

    def _serve_runs(self, request: Request) -> Response:
        found, problem = self._runs()
        listed = [each.listed() for each in found]
        return _json({"runs": listed, "problem": printable(problem)})

    def _serve_state(self, request: Request) -> Response:
        """How far the report of these runs is; without it being begun."""
        recordings = self._asked_for(request)
        result = self._reports.result(recordings)
        if result is not None:
            return _json(_finished(result, recordings[0], request.script_root))
        progress = self._reports.progress(recordings)
        if progress is None:
            return _json({"state": "unknown"})
        step, seconds = progress
        return _json({"state": "running", "step": step, "seconds": round(seconds, 1)})

    def _serve_start(self, request: Request) -> Response:
        """Begin a report: the only route that does anything, and not for other sites."""
        if request.method != "POST":
            raise Refusal(405, "send POST")
        origin = request.headers.get("Origin")
        is_foreign = origin is not None and urlsplit(origin).netloc != request.host
        if is_foreign or request.headers.get(REQUEST_HEADER) != "1":
            raise Refusal(403, "only TensorBoard's own pages may begin a report")
        if not self._reports.start(self._asked_for(request)):
            raise Refusal(429, "too many reports wait: try again when they are finished")
        return self._serve_state(request)

    def _serve_report(self, request: Request) -> Response:
        result = self._reports.result(self._asked_for(request))
        if result is None or not result.page:
            raise Refusal(404, "there is no finished report of this run")
        # The page has its own policy in itself; the frame that shows it is sandboxed.
        return Response(
            result.page,
            content_type="text/html; charset=utf-8",
            headers={**_HEADERS, "Content-Security-Policy": "frame-ancestors 'self'"},
        )

    def _asked_for(self, request: Request) -> tuple[Recording, ...]:
        """The recordings that ``run``, ``host``, ``with_run`` and ``with_host`` name.

        Raises:
            Refusal: One of them is not below the log directory.
        """
        names = request.args
        wanted = [(names.get("run", ""), names.get("host", ""))]
        if "with_run" in names:
            wanted.append((names["with_run"], names.get("with_host", "")))
        found = [self._listing.find(*each) if self._listing else None for each in wanted]
        known = tuple(each for each in found if each is not None)
        if len(known) < len(wanted):
            raise Refusal(404, "there is no such run in the log directory")
        return known


def _finished(result: Result, recording: Recording, root: str) -> dict[str, Any]:
    if result.error:
        return {"state": "failed", "error": printable(result.error)}
    spots = [
        {
            "kind": spot.kind,
            "text": spot.text,
            "path": trace_viewer_path(
                recording.run, recording.host, spot.start_ns, spot.end_ns, root
            ),
        }
        for spot in result.spots
    ]
    return {"state": "done", "spots": spots}


def _static_route(name: str) -> Callable[[Request], Response]:
    def route(request: Request) -> Response:
        data = (_FOLDER / name).read_bytes()
        headers = {**_HEADERS, "Content-Security-Policy": _POLICY}
        return Response(data, content_type=_STATIC[name], headers=headers)

    return route


def _answering(route: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The route, with refusals as answers."""

    def answer(request: Request) -> Response:
        try:
            return route(request)
        except Refusal as refusal:
            return _json({"error": str(refusal)}, refusal.status)

    return answer


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json", headers=_HEADERS)
