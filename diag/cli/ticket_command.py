"""``diag ticket``: the report of a capture into an issue tracker or a chat."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import diag
from diag.cli.analysis import AnalysisOptions, analyze_with_copy, exit_status
from diag.cli.console import verbosity
from diag.cli.option_groups import GroupedCommand, option, option_group
from diag.cli.options import (
    analysis_options,
    client_log_option,
    examples,
    source_options,
    verbosity_options,
)
from diag.cli.output import STDOUT, check_folder, force_option, write_folder, write_output
from diag.cli.redaction import legend_option
from diag.cli.ticket_target import Target, chosen_target, target_options
from diag.errors import InputError, TicketError, UsageError

if TYPE_CHECKING:
    from diag.tickets.ticket import Attachment, Posted, Ticket

_PAGE = "text/html"
_FORMATS = {"markdown": "md", "jira": "jira", "slack": "mrkdwn"}
_FILE_MAX_BYTES = 100 << 20


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "diag ticket capture.zip",
        "diag ticket capture.zip --dry-run --github acme/serving#17",
        "diag ticket capture.zip --github acme/serving#17 --token-file ~/.github-token",
        "diag ticket capture.zip --gitlab acme/serving#17 --url https://gitlab.example.com",
        "diag ticket capture.zip --jira OPS-17 --url https://example.atlassian.net",
        "diag ticket capture.zip --webhook ~/.slack-webhook",
    ),
)
@source_options
@target_options
@option_group(
    "Content",
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(tuple(_FORMATS)),
        help="Format of the text that is printed without a tracker. Default: markdown.",
    ),
    option("--no-bundle", is_flag=True, help="Leave the recording out, attach the report only."),
    option("--no-redact", is_flag=True, help="Keep the names of hosts, models, paths and ops."),
    legend_option,
)
@option_group(
    "Output",
    option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Folder for text and files. Default: diag-ticket-ID, where anything is to be sent.",
    ),
    force_option,
)
@analysis_options
@client_log_option
@verbosity_options
@click.pass_context
def ticket(context: click.Context, /, source: str, **options: Any) -> None:
    """Post what a capture shows to an issue, with the report and the recording attached.

    Names become pseudonyms first, in text, report and recording (diag redact). The text has at most
    40 lines and stands by itself. A second run for the same capture edits the comment of the first.
    Without a tracker the text is printed, and nothing is sent anywhere.

    Text and files are written to a folder before anything is sent, so a failure loses nothing.
    GitHub's API attaches no files, nor does a webhook: attach them by hand.

    The exit status is 9 if the tracker refuses, 5 if the recording holds no request, and 8 if every
    request failed; the ticket is made all the same.
    """
    target = chosen_target(context, options)
    if target is not None and not options["dry_run"]:
        target.check()
    if options["output"] is not None:
        check_folder(options["output"], (), force=options["force"])
    analysis, redacted = analyze_with_copy(
        source,
        AnalysisOptions(
            options["run"],
            options["batching_parameters"],
            options["preprocess_ops"],
            options["client_log"],
            redact=not options["no_redact"],
            legend=options["legend"],
        ),
    )
    report = diag.build_report(analysis)
    files = [] if options["no_bundle"] else _recording(source, redacted)
    made = _ticket(analysis, report, files)
    text_format = target.tracker.format if target else options["format_"] or "markdown"
    folder = options["output"]
    if folder is None and target is not None:
        folder = Path(f"diag-ticket-{made.id}")
    if folder is not None:
        _write(made, text_format, folder, force=options["force"] or options["output"] is None)
    if target is None:
        write_output(STDOUT, made.texts[text_format])
    elif options["dry_run"]:
        write_output(STDOUT, _planned(made, target, folder))
    else:
        _post(made, target, folder)
    if status := exit_status(analysis):
        context.exit(status)


def _recording(
    source: str, redacted: diag.RedactedSource | None
) -> list[tuple[str, str, str, bytes]]:
    """Kind, suffix, media type and content of the file to attach.

    Where names are kept, it is the source itself; of a folder or a URL there is none.
    """
    if redacted is not None:
        kind = "bundle" if redacted.is_bundle else "trace"
        data = redacted.data
    else:
        path = Path(source)
        if not path.is_file():
            _say(f"the recording is not attached: {source} is not a file; diag redact makes one")
            return []
        kind = "bundle" if path.suffix.lower() == ".zip" else "trace"
        data = path.read_bytes()
    if len(data) > _FILE_MAX_BYTES:
        _say(f"the recording is not attached: {len(data):,} bytes are more than trackers take")
        return []
    if kind == "bundle":
        return [(kind, ".zip", "application/zip", data)]
    return [(kind, ".xplane.pb", "application/octet-stream", data)]


def _ticket(
    analysis: diag.Analysis, report: diag.Report, recording: list[tuple[str, str, str, bytes]]
) -> Ticket:
    """Text in every format, and the report with its charts before the recording."""
    from diag.tickets.ticket import Ticket, attachment

    capture = f"{report.server.start_unix_ns}|{report.server.window_ns}|{analysis.counts.events}"
    id_ = hashlib.sha256(capture.encode()).hexdigest()[:10]
    page = diag.build_ticket(report)
    files = [("report", ".html", _PAGE, diag.render(report, "html").encode())]
    try:
        charts = diag.draw_charts(report, png=True)
    except (UsageError, InputError) as exc:
        _say(f"charts are not attached: {exc.message}")
        charts = {}
    files += [
        (name, ".png", "image/png", charts[f"{name}.png"])
        for name in ("verdict", "timeline")
        if f"{name}.png" in charts
    ]
    return Ticket(
        id_,
        {name: diag.render(page, name) for name in _FORMATS},
        tuple(attachment(id_, *file) for file in (*files, *recording)),
    )


def _write(made: Ticket, format_: str, folder: Path, *, force: bool) -> None:
    files = {file.name: file.data for file in made.attachments}
    files[f"ticket.{_FORMATS[format_]}"] = made.texts[format_].encode()
    write_folder(folder, files, force=force)


def _planned(made: Ticket, target: Target, folder: Path) -> str:
    """Every request that would be made, and where the files are that it would send."""
    steps = target.tracker.plan(made)
    requests = "\n\n".join(f"{step.request}\n{step.content}" for step in steps)
    kept = "" if target.tracker.takes_files else ", which this tracker does not take"
    return f"{requests}\n\nnothing was sent; the files are in {folder}{kept}\n"


def _post(made: Ticket, target: Target, folder: Path) -> None:
    """Send it, and say what came of it.

    Raises:
        TicketError: The tracker refuses the text or a file; the message says what is there.
    """
    from diag.tickets.connection import Connection
    from diag.tickets.posting import post

    tracker = target.tracker
    headers = tracker.headers(target.token)
    secrets = (target.token, *target.secrets)
    try:
        with Connection(tracker.base_url, headers, secrets, target.ca_cert) as connection:
            posted = post(tracker, made, connection)
    except TicketError as exc:
        advice = f"{exc.hint}; " if exc.hint else ""
        raise TicketError(
            exc.message,
            cause=exc.cause,
            hint=f"{advice}text and files are in {folder}, and the same command may be run again",
        ) from exc
    _tell(posted, made.attachments, tracker.takes_files, folder)


def _tell(posted: Posted, files: tuple[Attachment, ...], takes_files: bool, folder: Path) -> None:
    if posted.url:
        write_output(STDOUT, f"{posted.url}\n")
    _say(f"the comment is {posted.how}, {_files(len(posted.attached))} attached")
    if files and not takes_files:
        _say(f"this tracker's API attaches no files: drag those of {folder} into the comment")
    if posted.refused:
        reasons = "; ".join(f"{name}: {why}" for name, why in posted.refused)
        raise TicketError(
            f"the comment is {posted.how}, but {_files(len(posted.refused))} not attached",
            cause=reasons,
            hint=f"attach them by hand from {folder}, or run the same command again",
        )


def _files(n: int) -> str:
    return "1 file is" if n == 1 else f"{n} files are"


def _say(text: str) -> None:
    if verbosity() >= 0:
        sys.stderr.write(f"{text}\n")
