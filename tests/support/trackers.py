"""Local servers with the APIs of trackers; each refuses what the real one would.

Shapes: docs.github.com/rest/issues/comments, docs.gitlab.com/api/notes and
/api/project_markdown_uploads, developer.atlassian.com REST v2, docs.slack.dev incoming webhooks.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

TOKEN = "s3cret-token-0123456789"
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"].startswith("application/json")
        return json.loads(self.body)

    def file(self) -> tuple[str, bytes]:
        """Name and content of the only field, which must be called ``file``."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        (part,) = BytesParser(policy=HTTP).parsebytes(head + self.body).iter_parts()
        assert part.get_param("name", header="content-disposition") == "file"
        return part.get_filename() or "", part.get_payload(decode=True)


@dataclass
class FakeTracker:
    """What a server holds, and what to do before it answers as its API does."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    trouble: list[Answer | str] = field(default_factory=list)
    url: str = ""
    refused_suffix: str = ".exe"

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def writes(self) -> list[str]:
        return [f"{r.method} {r.path}" for r in self.requests if r.method != "GET"]

    def add(self, body: str, **more: Any) -> dict[str, Any]:
        comment = {"id": len(self.comments) + 1, "body": body, **more}
        self.comments.append(comment)
        return comment


class GitHubServer(FakeTracker):
    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": f"Bad credentials {request.headers.get('authorization')}"}, {}
        assert request.headers["accept"] == "application/vnd.github+json"
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["user-agent"]
        one = re.fullmatch(r"/repos/acme/serving/issues/comments/(\d+)", request.path)
        if one and request.method == "PATCH":
            comment = self.comments[int(one[1]) - 1]
            comment["body"] = request.json()["body"]
            return 200, comment, {}
        if request.path != "/repos/acme/serving/issues/17/comments":
            return 404, {"message": "Not Found"}, {}
        if request.method == "GET":
            page, size = int(request.query["page"]), int(request.query["per_page"])
            assert 1 <= size <= 100
            return 200, self.comments[(page - 1) * size : page * size], {}
        assert set(request.json()) == {"body"}
        assert len(request.json()["body"]) <= 65_536
        number = len(self.comments) + 1
        url = f"https://github.com/acme/serving/issues/17#issuecomment-{number}"
        return 201, self.add(request.json()["body"], html_url=url), {}


class GitLabServer(FakeTracker):
    def answer(self, request: Request) -> Answer:
        if request.headers.get("private-token") != TOKEN:
            return 401, {"message": "401 Unauthorized"}, {}
        project = "/api/v4/projects/acme%2Fml%2Fserving"
        if request.path == f"{project}/uploads" and request.method == "POST":
            name, data = request.file()
            if name.endswith(self.refused_suffix):
                return 413, {"error": "Request Entity Too Large"}, {}
            self.files[name] = data
            url = f"/uploads/{len(self.files):032x}/{name}"
            place = f"/-/project/5{url}"
            markdown = f"[{name}]({url})"
            return (
                201,
                {"id": 5, "alt": name, "url": url, "full_path": place, "markdown": markdown},
                {},
            )
        one = re.fullmatch(rf"{re.escape(project)}/issues/17/notes/(\d+)", request.path)
        if one and request.method == "PUT":
            note = self.comments[int(one[1]) - 1]
            note["body"] = request.json()["body"]
            return 200, note, {}
        if request.path != f"{project}/issues/17/notes":
            return 404, {"message": "404 Project Not Found"}, {}
        if request.method == "GET":
            assert (request.query["sort"], request.query["order_by"]) == ("asc", "created_at")
            page, size = int(request.query["page"]), int(request.query["per_page"])
            return 200, self.comments[(page - 1) * size : page * size], {}
        return 201, self.add(request.json()["body"], system=False), {}


class JiraServer(FakeTracker):
    authorization = f"Bearer {TOKEN}"

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != self.authorization:
            return 401, {"errorMessages": ["You do not have permission"], "errors": {}}, {}
        issue = "/rest/api/2/issue/OPS-17"
        if request.path == issue and request.method == "GET":
            assert request.query == {"fields": "attachment"}
            listed = [
                {"id": str(i), "filename": name, "size": len(data)}
                for i, (name, data) in enumerate(self.files.items())
            ]
            return 200, {"key": "OPS-17", "fields": {"attachment": listed}}, {}
        if request.path == f"{issue}/attachments" and request.method == "POST":
            if request.headers.get("x-atlassian-token") != "no-check":
                return 403, "XSRF check failed", {}
            name, data = request.file()
            if name.endswith(self.refused_suffix):
                return 413, {"errorMessages": ["too large"]}, {}
            self.files[name] = data
            return 200, [{"filename": name, "size": len(data)}], {}
        one = re.fullmatch(rf"{issue}/comment/(\d+)", request.path)
        if one and request.method == "PUT":
            comment = self.comments[int(one[1]) - 1]
            comment["body"] = request.json()["body"]
            return 200, comment, {}
        if request.path != f"{issue}/comment":
            return 404, {"errorMessages": ["Issue Does Not Exist"], "errors": {}}, {}
        if request.method == "GET":
            start, size = int(request.query["startAt"]), int(request.query["maxResults"])
            page = self.comments[start : start + size]
            total = len(self.comments)
            return 200, {"startAt": start, "maxResults": size, "total": total, "comments": page}, {}
        assert len(request.json()["body"]) <= 32_767
        return 201, self.add(request.json()["body"]) | {"id": str(len(self.comments))}, {}


class SlackServer(FakeTracker):
    def answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/services/T0/B0/hidden"):
            return 404, "no_service", {}
        document = request.json()
        assert set(document) == {"text", "blocks"}
        assert 1 <= len(document["blocks"]) <= 50
        for block in document["blocks"]:
            assert block["type"] == "section"
            assert block["text"]["type"] == "mrkdwn"
            assert block["text"]["verbatim"] is True
            assert 1 <= len(block["text"]["text"]) <= 3_000
        self.comments.append(document)
        return 200, "ok", {}


@contextlib.contextmanager
def serving_tracker(
    tracker: FakeTracker, context: ssl.SSLContext | None = None
) -> Iterator[FakeTracker]:
    """The tracker on the loopback, over TLS if there is a context."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(tracker))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    tracker.url = f"{scheme}://localhost:{server.server_port}"
    if context is None:
        tracker.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield tracker
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(tracker: FakeTracker) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            request = Request(self.command, parts.path, query, headers, body)
            tracker.requests.append(request)
            trouble = tracker.trouble.pop(0) if tracker.trouble else None
            if isinstance(trouble, tuple):
                self._send(trouble)
                return
            if trouble == "deaf":
                self.close_connection = True
                return
            answer = tracker.answer(request)
            if trouble == "lost":  # it was done, but the answer never arrives
                self.close_connection = True
                return
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            status, document, headers = answer
            text = document if isinstance(document, str) else json.dumps(document)
            data = text.encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    return Handler
