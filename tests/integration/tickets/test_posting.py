"""Tickets to servers with the trackers' APIs: once, up to date, no secret in a message."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from diag.errors import TicketError, UsageError
from diag.tickets.connection import ANSWER_MAX_BYTES, Connection, check_url
from diag.tickets.posting import DELAYS_S, post
from diag.tickets.secret import read_secret
from diag.tickets.sent import Sent
from diag.tickets.ticket import Posted, Ticket, attachment
from diag.tickets.trackers.github import GitHub
from diag.tickets.trackers.gitlab import GitLab
from diag.tickets.trackers.jira import Jira
from diag.tickets.trackers.webhook import SECTION_MAX_CHARS, Webhook, payload
from tests.support.trackers import (
    TOKEN,
    FakeTracker,
    GitHubServer,
    GitLabServer,
    JiraServer,
    SlackServer,
    serving_tracker,
)

FILES = (
    attachment("0123456789", "report", ".html", "text/html", b"<!doctype html>"),
    attachment("0123456789", "bundle", ".zip", "application/zip", b"PK" + bytes(range(256)) * 40),
)
TICKET = Ticket(
    "0123456789", {name: f"# Slow\n\n{name} text" for name in ("markdown", "jira", "slack")}, FILES
)
CHANGED = replace(TICKET, texts={name: f"{text}, new" for name, text in TICKET.texts.items()})


class Waits(list[float]):
    """Records how long was waited, and does not wait."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def target_of(server: FakeTracker, tmp_path: Path) -> Any:
    if isinstance(server, GitHubServer):
        return GitHub("acme/serving#17", server.url)
    if isinstance(server, GitLabServer):
        return GitLab("acme/ml/serving#17", server.url)
    if isinstance(server, JiraServer):
        return Jira("OPS-17", server.url)
    return Webhook(f"{server.url}/services/T0/B0/hidden", Sent(tmp_path / "sent.json"))


def posted(
    server: FakeTracker,
    tmp_path: Path,
    ticket: Ticket = TICKET,
    token: str = TOKEN,
    waits: Waits | None = None,
) -> Posted:
    tracker = target_of(server, tmp_path)
    with Connection(tracker.base_url, tracker.headers(token), (token,)) as connection:
        return post(tracker, ticket, connection, sleep=Waits() if waits is None else waits)


SERVERS = pytest.mark.parametrize("kind", [GitHubServer, GitLabServer, JiraServer, SlackServer])
EDITABLE = pytest.mark.parametrize("kind", [GitHubServer, GitLabServer, JiraServer])


@SERVERS
def test_a_ticket_is_posted_once(kind: type[FakeTracker], tmp_path: Path) -> None:
    with serving_tracker(kind()) as server:
        first = posted(server, tmp_path)
        before = server.writes()
        second = posted(server, tmp_path)
        assert (first.how, second.how) == ("created", "unchanged")
        assert server.writes() == before
        assert len(server.comments) == 1


@EDITABLE
def test_a_ticket_that_changed_edits_its_comment_among_others(
    kind: type[FakeTracker], tmp_path: Path
) -> None:
    with serving_tracker(kind()) as server:
        for i in range(120):
            server.add(f"comment {i}")
        server.add(f"> {TICKET.mark}")  # somebody quotes it
        first = posted(server, tmp_path)
        for i in range(120):
            server.add(f"later comment {i}")
        second = posted(server, tmp_path, CHANGED)
        assert (first.how, second.how) == ("created", "updated")
        mine = [each["body"] for each in server.comments if TICKET.is_in(each["body"])]
        assert len(mine) == 1
        assert ", new" in mine[0]
        assert len(server.comments) == 242


@EDITABLE
def test_another_ticket_gets_a_comment_of_its_own(kind: type[FakeTracker], tmp_path: Path) -> None:
    with serving_tracker(kind()) as server:
        posted(server, tmp_path)
        assert posted(server, tmp_path, replace(TICKET, id="abcdefabcd")).how == "created"
        assert len(server.comments) == 2


@pytest.mark.parametrize("kind", [GitLabServer, JiraServer])
def test_files_arrive_whole_are_named_in_the_text_and_are_not_sent_again(
    kind: type[FakeTracker], tmp_path: Path
) -> None:
    with serving_tracker(kind()) as server:
        first = posted(server, tmp_path)
        assert server.files == {file.name: file.data for file in FILES}
        assert first.attached == tuple(server.files)
        assert all(name in server.comments[0]["body"] for name in server.files)
        posted(server, tmp_path, CHANGED)
        uploads = [each for each in server.writes() if each.endswith(("/uploads", "/attachments"))]
        assert len(uploads) == len(FILES)
        assert all(name in server.comments[0]["body"] for name in server.files)


@pytest.mark.parametrize("kind", [GitLabServer, JiraServer])
def test_a_file_that_is_too_large_is_told_and_the_rest_is_posted(
    kind: type[FakeTracker], tmp_path: Path
) -> None:
    with serving_tracker(kind(refused_suffix=".zip")) as server:
        found = posted(server, tmp_path)
        assert found.how == "created"
        assert found.attached == (FILES[0].name,)
        ((name, why),) = found.refused
        assert name == FILES[1].name
        assert "413" in why
        assert FILES[1].name not in server.comments[0]["body"]


@pytest.mark.parametrize("kind", [GitHubServer, SlackServer])
def test_what_takes_no_files_gets_none_and_the_text_says_so(
    kind: type[FakeTracker], tmp_path: Path
) -> None:
    with serving_tracker(kind()) as server:
        assert posted(server, tmp_path).attached == ()
        assert "files" in str(server.comments[0])
        assert b"<!doctype" not in b"".join(request.body for request in server.requests)


@SERVERS
@pytest.mark.parametrize("trouble", [(503, "busy", {}), (429, "", {"Retry-After": "7"}), "deaf"])
def test_a_busy_service_is_asked_again(
    kind: type[FakeTracker], trouble: Any, tmp_path: Path
) -> None:
    waits = Waits()
    with serving_tracker(kind(trouble=[trouble, trouble])) as server:
        assert posted(server, tmp_path, waits=waits).how == "created"
        assert len(server.comments) == 1
    asked = 7.0 if "429" in str(trouble) else 0.0
    assert waits == [max(delay, asked) for delay in DELAYS_S[:2]]


@EDITABLE
def test_a_comment_whose_answer_was_lost_is_not_made_twice(
    kind: type[FakeTracker], tmp_path: Path
) -> None:
    with serving_tracker(kind()) as server:
        reads = {GitHubServer: 1, GitLabServer: 1, JiraServer: 1}[kind]
        uploads = 0 if kind is GitHubServer else len(FILES)
        between = 1 if kind is JiraServer else 0
        server.trouble = [None] * (reads + uploads + between) + ["lost"]  # type: ignore[list-item]
        found = posted(server, tmp_path)
        assert found.how == "unchanged"
        assert len(server.comments) == 1


@SERVERS
def test_a_service_that_stays_busy_is_an_error(kind: type[FakeTracker], tmp_path: Path) -> None:
    waits = Waits()
    with serving_tracker(kind(trouble=[(502, "bad gateway", {})] * 9)) as server:
        with pytest.raises(TicketError, match="502") as caught:
            posted(server, tmp_path, waits=waits)
        assert waits == list(DELAYS_S)
        assert caught.value.hint
        assert len(server.requests) == len(DELAYS_S) + 1


@EDITABLE
def test_a_wrong_token_is_told_and_never_shown(kind: type[FakeTracker], tmp_path: Path) -> None:
    wrong = "wrong-token-9876543210"
    with serving_tracker(kind()) as server:
        with pytest.raises(TicketError) as caught:
            posted(server, tmp_path, token=wrong)
        error = caught.value
        assert "401" in error.message
        assert "token" in error.hint
        assert wrong not in f"{error.message}{error.cause}{error.hint}{error!r}"
        assert len(server.requests) == 1


def test_a_missing_issue_is_told(tmp_path: Path) -> None:
    with serving_tracker(GitHubServer()) as server:
        tracker = GitHub("acme/other#1", server.url)
        with (
            Connection(tracker.base_url, tracker.headers(TOKEN)) as connection,
            pytest.raises(TicketError, match="404") as caught,
        ):
            post(tracker, TICKET, connection, sleep=Waits())
        assert caught.value.cause == "Not Found"


def test_a_redirect_is_not_followed_with_the_token(tmp_path: Path) -> None:
    with serving_tracker(GitHubServer()) as elsewhere, serving_tracker(GitHubServer()) as server:
        server.trouble = [(301, "", {"Location": elsewhere.url})]
        with pytest.raises(TicketError, match="301") as caught:
            posted(server, tmp_path)
        assert "--url" in caught.value.hint
        assert elsewhere.requests == []


def test_an_answer_without_end_is_cut_off(tmp_path: Path) -> None:
    with serving_tracker(GitHubServer()) as server:
        server.trouble = [(200, "[" * (ANSWER_MAX_BYTES + 2), {})]
        with pytest.raises(TicketError, match="16 MiB"):
            posted(server, tmp_path)


@pytest.mark.parametrize(
    "document", ["", "null", "[1]", '{"a": 1}', "[" * 50_000, '[{"body": 7}]', '[{"id": "x"}]']
)
@EDITABLE
def test_answers_of_another_shape_do_no_harm(
    kind: type[FakeTracker], document: str, tmp_path: Path
) -> None:
    with serving_tracker(kind(trouble=[(200, document, {})])) as server:
        assert posted(server, tmp_path).how in ("created", "unchanged")


def test_jira_cloud_takes_an_address_and_a_token(tmp_path: Path) -> None:
    server = JiraServer()
    server.authorization = "Basic YUBleGFtcGxlLmNvbTp0b2tlbg=="
    with serving_tracker(server):
        assert posted(server, tmp_path, token="a@example.com:token").how == "created"


def test_tls_is_verified(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with serving_tracker(GitHubServer(), context) as server:
        tracker = GitHub("acme/serving#17", server.url)
        headers = tracker.headers(TOKEN)
        with (
            Connection(tracker.base_url, headers) as connection,
            pytest.raises(TicketError, match="TLS failed") as caught,
        ):
            post(tracker, TICKET, connection, sleep=Waits())
        assert "--ca-cert" in caught.value.hint
        assert server.requests == []
        with Connection(tracker.base_url, headers, ca_cert=file) as connection:
            assert post(tracker, TICKET, connection, sleep=Waits()).how == "created"


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com", "ftp://127.0.0.1", "example.com", "https://", ""),
        *("https://user:pass@example.com", "https://example.com?token=1", "https://example.com#x"),
    ],
)
def test_an_address_that_would_show_the_token_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url)


@pytest.mark.parametrize("url", ["https://example.com/api/", "http://127.0.0.1:80", "http://[::1]"])
def test_https_and_this_machine_are_accepted(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        *((GitHub, each) for each in ("acme", "acme/x", "a/b#x", "a/b/c#1", "../x#1", "a/b#1/..")),
        *((GitLab, each) for each in ("acme#1", "a/b#x", "a b/c#1")),
        *((Jira, each) for each in ("ops-17", "OPS", "OPS-1/../2", "OPS-17?x")),
    ],
)
def test_a_target_that_is_none_is_refused(kind: Any, target: str) -> None:
    with pytest.raises(UsageError):
        kind(target, "https://example.com")


def test_jira_has_no_default_address() -> None:
    with pytest.raises(UsageError, match="needs the address"):
        Jira("OPS-17")


def test_a_message_of_any_length_fits_slack() -> None:
    text = "\n\n".join(
        ["*title*", *("x" * n for n in (10, 2_000, 2_000, 9_000)), f"```\n{'y' * 5_000}"]
    )
    blocks = payload(text)["blocks"]
    assert max(len(block["text"]["text"]) for block in blocks) <= SECTION_MAX_CHARS
    assert blocks[-1]["text"]["text"].endswith("\n```")
    assert len(payload("\n\n".join(["z" * 2_999] * 90))["blocks"]) == 50


def test_a_secret_is_read_from_a_private_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    assert read_secret(path, "DIAG_TEST", "token_file") == TOKEN
    monkeypatch.setenv("DIAG_TEST", "other")
    assert read_secret(None, "DIAG_TEST", "token_file") == "other"
    monkeypatch.delenv("DIAG_TEST")
    assert read_secret(None, "DIAG_TEST", "token_file") == ""
    path.chmod(0o644)
    with pytest.raises(UsageError, match="other users"):
        read_secret(path, "DIAG_TEST", "token_file")


@pytest.mark.parametrize("content", ["", "two\nlines", "ümlaut", "x" * 5_000])
def test_a_file_without_a_usable_secret_is_refused_and_not_quoted(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UsageError) as caught:
        read_secret(path, "DIAG_TEST", "token_file")
    assert not content or content[:5] not in caught.value.message.replace(str(path), "")


def test_what_was_sent_is_remembered_privately(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sent.json"
    Sent(path).add("a")
    assert Sent(path).has("a")
    assert not Sent(path).has("b")
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("no json")
    assert not Sent(path).has("a")


def test_a_comment_without_an_id_is_not_edited(tmp_path: Path) -> None:
    with serving_tracker(GitHubServer()) as server:
        server.trouble = [(200, [{"body": TICKET.mark, "id": "1/../../x"}], {})]
        with pytest.raises(TicketError, match="has no id"):
            posted(server, tmp_path)
        assert server.writes() == []
