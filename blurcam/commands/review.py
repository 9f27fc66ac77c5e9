"""``review``: look at redactions in the browser, and put them right."""

from __future__ import annotations

import os
import secrets
import sys
import webbrowser
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from blurcam.commands.terminal import DONE, say, to_json
from blurcam.runtime.signals import ENDING, handling
from blurcam.settings.web import Web


def _show_schema(asked: bool) -> None:
    if asked:
        from blurcam.review.edits import edits_schema

        typer.echo(to_json(edits_schema()), nl=False)
        raise typer.Exit(DONE)


def review(
    job: Annotated[
        Path, typer.Argument(metavar="JOB_OR_OUTPUT", help="Folder of a job, or a redacted video.")
    ],
    input: Annotated[
        Path | None,
        typer.Option(help="Recording that the output was made from, where it is of no job."),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(help="Its regions file. Default: the one beside it, NAME.regions.jsonl."),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Name that edits carry. Default: the account's.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="IP address to listen on; others than this machine need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    token: Annotated[
        str | None,
        typer.Option(help="Secret to sign in with.", envvar="BLURCAM_REVIEW_TOKEN"),
    ] = None,
    sign_key: Annotated[
        Path | None, typer.Option(help="Private key (PEM, Ed25519) that signs the report anew.")
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            is_eager=True,
            callback=_show_schema,
            help="Print the JSON Schema of a file of edits.",
        ),
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Review redactions: see what may be wrong, put it right, have it drawn again, on record.

    The page shows redacted frames alone.
    """
    del schema
    from blurcam.media.clock import SystemClock
    from blurcam.review.job_queue import JobQueue, job_of
    from blurcam.review.output_queue import OutputQueue
    from blurcam.review.review_queue import ReviewQueue
    from blurcam.review.reviewed_recording import usual_reviewer
    from blurcam.review.web.routes import ReviewOptions, ReviewPage
    from blurcam.serve.web.server import WebServer

    ledger = None if input or regions else job_of(job)
    queue: ReviewQueue
    if ledger is not None:
        queue = JobQueue(job, ledger, sign_key)
    else:
        queue = OutputQueue(job, input, regions)
    if token is None and host not in ("127.0.0.1", "::1", "localhost"):
        Web(host=host, port=port)  # says that a token is needed
    web = Web(host=host, port=port, token=token or secrets.token_urlsafe(24))
    entrance = secrets.token_urlsafe(24)
    options = ReviewOptions(reviewer or usual_reviewer(), entrance)
    page = ReviewPage(queue, web, SystemClock(), options)
    server = WebServer(web, page.app)
    link = f"{server.url}enter/{entrance}"
    say(f"review: {link} (works once)")
    if token is None:
        say(f"review: to sign in again: {server.url}login with the token {web.token}")
    if browser and _has_display():
        webbrowser.open(link)
    with closing(page), handling(lambda _: server.stop(), *ENDING):
        server.run()
    raise typer.Exit(DONE)


def _has_display() -> bool:
    """Whether a browser would open a window; one that takes over the terminal is not wanted."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
