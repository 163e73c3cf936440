"""The options that say where a ticket goes, and with which token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.option_groups import option, option_group
from diag.errors import UsageError

if TYPE_CHECKING:
    from diag.tickets.tracker import Tracker

_TOKEN_VARIABLE, _WEBHOOK_VARIABLE = "DIAG_TICKET_TOKEN", "DIAG_TICKET_WEBHOOK"
_TRACKERS = ("github", "gitlab", "jira", "webhook")

target_options = option_group(
    "Tracker",
    option("--github", metavar="OWNER/REPO#N", help="Comment on this issue or pull request."),
    option("--gitlab", metavar="GROUP/PROJECT#N", help="Comment on this issue."),
    option("--jira", metavar="KEY", help="Comment on this issue; needs --url."),
    option(
        "--webhook",
        metavar="FILE|URL",
        help="Send a message to this incoming webhook of Slack, or of a service that takes the "
        f"same. Its URL is a secret: name a file that holds it, or set {_WEBHOOK_VARIABLE}. Only a "
        "URL on this machine may be given itself.",
    ),
    option(
        "--url",
        metavar="URL",
        help="Address of your Jira or GitLab, or of the API of a GitHub Enterprise Server. "
        "Default: gitlab.com, api.github.com.",
    ),
    option(
        "--token-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File with the token, readable for you alone. For Jira Cloud: EMAIL:TOKEN. Default: "
        f"the variable {_TOKEN_VARIABLE}.",
    ),
    option(
        "--ca-cert",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Certificate authority of the tracker, in PEM. Default: the usual ones.",
    ),
    option(
        "--dry-run",
        is_flag=True,
        help="Print every request and write the files, and send nothing.",
    ),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A tracker with what it takes to post there.

    Attributes:
        token: "" for a webhook.
        secrets: What no message may show besides the token.
        ca_cert: None for the usual authorities.
    """

    tracker: Tracker
    token: str
    secrets: tuple[str, ...]
    ca_cert: Path | None

    def check(self) -> None:
        """Refuse before any work what could not be posted.

        Raises:
            UsageError: There is no token, or httpx is not installed.
        """
        from diag.extras import import_extra

        import_extra("httpx", "ticket", "posting a ticket")
        if not self.token and not self.secrets:
            raise UsageError(
                "there is no token for the tracker",
                hint=f"name a file with --token-file, or set {_TOKEN_VARIABLE}",
                parameter="token_file",
            )


def chosen_target(context: click.Context, options: dict[str, Any]) -> Target | None:
    """The tracker of the options; None if none is named.

    Raises:
        UsageError: Several are named, or one is not valid.
    """
    named = [name for name in _TRACKERS if options[name] is not None]
    if len(named) > 1:
        raise UsageError(
            f"--{named[0]} and --{named[1]} are two trackers", hint="run the command once for each"
        )
    name = named[0] if named else "webhook" if _webhook_variable() else ""
    if not name:
        if options["dry_run"]:
            raise UsageError("--dry-run needs a tracker", hint="name one, such as --github")
        return None
    if options["url"] is not None and name == "webhook":
        raise UsageError("--url has no effect with --webhook", parameter="url")
    tracker, token, secrets = _made(name, options)
    return Target(tracker, token, secrets, options["ca_cert"])


def _made(name: str, options: dict[str, Any]) -> tuple[Tracker, str, tuple[str, ...]]:
    from diag.tickets.secret import read_secret
    from diag.tickets.sent import Sent
    from diag.tickets.trackers.github import GitHub
    from diag.tickets.trackers.gitlab import GitLab
    from diag.tickets.trackers.jira import Jira
    from diag.tickets.trackers.webhook import Webhook

    if name == "webhook":
        webhook = Webhook(
            _webhook_url(options["webhook"]), Sent(diag.default_legend().with_name("sent.json"))
        )
        return webhook, "", (webhook.secret,)
    kinds: dict[str, type[GitHub] | type[GitLab] | type[Jira]] = {
        "github": GitHub,
        "gitlab": GitLab,
        "jira": Jira,
    }
    token = read_secret(options["token_file"], _TOKEN_VARIABLE, "token_file")
    return kinds[name](options[name], options["url"]), token, ()


def _webhook_variable() -> str:
    from diag.tickets.secret import read_secret

    return read_secret(None, _WEBHOOK_VARIABLE, "webhook")


def _webhook_url(given: str | None) -> str:
    """The URL in the file, in the variable, or, on this machine, itself.

    Raises:
        UsageError: A URL of another machine was typed, where every user can see it.
    """
    from diag.tickets.connection import is_local
    from diag.tickets.secret import read_secret

    if given is None:
        return _webhook_variable()
    if "://" not in given:
        return read_secret(Path(given), _WEBHOOK_VARIABLE, "webhook")
    if not is_local(given):
        raise UsageError(
            "the URL of a webhook is a secret, and arguments can be seen by every user",
            hint=f"put it into a file (chmod 600) and name that, or set {_WEBHOOK_VARIABLE}",
            parameter="webhook",
        )
    return given
