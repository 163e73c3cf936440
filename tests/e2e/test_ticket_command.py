"""diag ticket as it is typed: what it sends, keeps and says."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from tests.conftest import sample_path
from tests.e2e.test_cli import diag, trace
from tests.support.trackers import (
    TOKEN,
    GitHubServer,
    GitLabServer,
    JiraServer,
    SlackServer,
    serving_tracker,
)
from tests.unit.formats.redaction import secrets

BUNDLE = sample_path("demo-slow-preprocess") / "bundle.zip"


@pytest.fixture(name="state")
def _state(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "DIAG_TICKET_TOKEN": TOKEN}


def secret_bundle(folder: Path) -> Path:
    path = folder / "quasimodo.zip"
    path.write_bytes(secrets.bundle())
    return path


def test_without_a_tracker_the_text_is_printed_and_stands_by_itself(state):
    done = diag("ticket", BUNDLE, **state)
    assert done.returncode == 0
    assert done.stdout.startswith("# 127.0.0.1:8500 · model_")
    assert len(done.stdout.splitlines()) <= 40
    jira = diag("ticket", BUNDLE, "-f", "jira", "--no-redact", **state)
    assert jira.stdout.startswith("h2. 127.0.0.1:8500 · image:1 · ")


def test_a_dry_run_shows_every_request_and_sends_nothing(tmp_path, state):
    with serving_tracker(GitLabServer()) as server:
        command = ("ticket", BUNDLE, "--gitlab", "acme/ml/serving#17", "--url", server.url)
        folder = tmp_path / "out"
        done = diag(*command, "--dry-run", "-o", folder, **(state | {"DIAG_TICKET_TOKEN": ""}))
        assert (done.returncode, server.requests) == (0, [])
        names = sorted(path.name for path in folder.iterdir())
        assert [re.sub(r"[0-9a-f]{8,10}", "N", name) for name in names] == [
            *("diag-N-bundle-N.zip", "diag-N-report-N.html", "diag-N-timeline-N.png"),
            *("diag-N-verdict-N.png", "ticket.md"),
        ]
        assert all(name in done.stdout for name in names[:-1])
        assert "POST " in done.stdout
        assert (folder / "ticket.md").read_text().rstrip() in done.stdout
        sent = diag(*command, "-o", folder, "--force", **state)
        assert sent.returncode == 0
        assert sorted(server.files) == names[:-1]
        assert server.files[names[0]] == (folder / names[0]).read_bytes()
        assert (folder / "ticket.md").read_text().rstrip() in server.comments[0]["body"]


@pytest.mark.parametrize("kind", [GitHubServer, GitLabServer, JiraServer, SlackServer])
def test_no_secret_of_the_capture_leaves_the_machine(kind, tmp_path, state):
    with serving_tracker(kind()) as server:
        targets = {
            GitHubServer: ("--github", "acme/serving#17", "--url", server.url),
            GitLabServer: ("--gitlab", "acme/ml/serving#17", "--url", server.url),
            JiraServer: ("--jira", "OPS-17", "--url", server.url),
            SlackServer: ("--webhook", f"{server.url}/services/T0/B0/hidden"),
        }
        command = ("ticket", secret_bundle(tmp_path), *targets[kind], "-o", tmp_path / "out")
        done = diag(*command, **state)
        assert done.returncode == 0, done.stderr
        sent = [request.body for request in server.requests]
        sent += [str(request.headers).encode() for request in server.requests]
        for name, data in server.files.items():
            sent.append(data)
            if name.endswith(".zip"):
                (tmp_path / name).write_bytes(data)
                with zipfile.ZipFile(tmp_path / name) as archive:
                    sent += [archive.read(each) for each in archive.namelist()]
        assert len(server.comments) == 1
        assert secrets.leaks(sent) == []
        again = diag(*command, "--force", **state)
        assert again.returncode == 0
        assert "is unchanged" in again.stderr
        assert len(server.comments) == 1


def test_where_files_are_not_taken_the_user_is_told_where_they_are(tmp_path, state):
    with serving_tracker(GitHubServer()) as server:
        command = ("ticket", BUNDLE, "--github", "acme/serving#17", "--url", server.url)
        done = diag(*command, "-o", tmp_path / "out", **state)
        assert done.stdout == "https://github.com/acme/serving/issues/17#issuecomment-1\n"
        assert f"drag those of {tmp_path / 'out'} into the comment" in done.stderr


def test_a_failure_keeps_everything_and_says_what_to_do(tmp_path, state):
    with serving_tracker(GitHubServer()) as server:
        command = ("ticket", BUNDLE, "--github", "acme/serving#17", "--url", server.url)
        wrong = state | {"DIAG_TICKET_TOKEN": "wrong-0123456789"}
        done = diag(*command, "-o", tmp_path / "out", **wrong)
    assert done.returncode == 9
    assert "answered 401" in done.stderr
    assert f"text and files are in {tmp_path / 'out'}" in done.stderr
    assert "wrong-0123456789" not in done.stderr + done.stdout
    assert (tmp_path / "out" / "ticket.md").stat().st_size > 500


def test_a_file_that_is_refused_is_an_error_after_the_text_is_there(tmp_path, state):
    with serving_tracker(JiraServer(refused_suffix=".zip")) as server:
        command = ("ticket", BUNDLE, "--jira", "OPS-17", "--url", server.url)
        done = diag(*command, "-o", tmp_path / "out", **state)
        assert done.returncode == 9
        assert "the comment is created, but 1 file is not attached" in done.stderr
        assert len(server.comments) == 1


def test_a_token_is_taken_from_a_file_and_must_be_there(tmp_path, state):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    without = state | {"DIAG_TICKET_TOKEN": ""}
    with serving_tracker(GitHubServer()) as server:
        command = ("ticket", BUNDLE, "--github", "acme/serving#17", "--url", server.url)
        missing = diag(*command, "-o", tmp_path / "a", **without)
        assert (missing.returncode, server.requests) == (2, [])
        assert "--token-file" in missing.stderr
        assert (
            diag(*command, "--token-file", token, "-o", tmp_path / "b", **without).returncode == 0
        )
        token.chmod(0o644)
        refused = diag(*command, "--token-file", token, "-o", tmp_path / "c", **without)
        assert refused.returncode == 2
        assert "other users" in refused.stderr


def test_the_address_of_a_webhook_is_no_argument(tmp_path, state):
    typed = "https://hooks.slack.com/services/T0/B0/hidden"
    done = diag("ticket", BUNDLE, "--webhook", typed, **state)
    assert done.returncode == 2
    assert "is a secret" in done.stderr
    path = tmp_path / "webhook"
    with serving_tracker(SlackServer()) as server:
        path.write_text(f"{server.url}/services/T0/B0/hidden\n")
        path.chmod(0o600)
        posted = diag("ticket", BUNDLE, "--webhook", path, "-o", tmp_path / "out", **state)
        assert posted.returncode == 0
        assert len(server.comments) == 1
        assert "hidden" not in posted.stdout + posted.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--github", "acme/serving#1", "--gitlab", "acme/serving#1"),
        ("--github", "acme"),
        ("--jira", "OPS-17"),
        ("--dry-run",),
        ("--github", "acme/serving#1", "--url", "http://example.com"),
    ],
)
def test_contradictions_are_wrong_usage(arguments, state):
    done = diag("ticket", trace("padding"), *arguments, **state)
    assert done.returncode == 2
    assert done.stdout == ""


def test_with_names_kept_the_recording_is_the_source(tmp_path, state):
    with serving_tracker(GitLabServer()) as server:
        command = ("ticket", BUNDLE, "--gitlab", "acme/ml/serving#17", "--url", server.url)
        assert diag(*command, "--no-redact", "-o", tmp_path / "a", **state).returncode == 0
        (data,) = [data for name, data in server.files.items() if name.endswith(".zip")]
        assert data == BUNDLE.read_bytes()
        server.files.clear()
        server.comments.clear()
        assert diag(*command, "--no-bundle", "-o", tmp_path / "b", **state).returncode == 0
        assert not [name for name in server.files if name.endswith(".zip")]
