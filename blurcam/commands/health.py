"""``health``: asks a running service whether every camera is being redacted now."""

from __future__ import annotations

from typing import Annotated

import typer

from blurcam.commands.terminal import DONE, FAILED, say


def health(
    url: Annotated[
        str, typer.Option(help="Where the service's page is.", metavar="URL")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Ask the service whether every camera is being redacted now: 0 for yes, 1 for no."""
    from urllib.error import HTTPError, URLError
    from urllib.request import ProxyHandler, build_opener

    address = f"{url.rstrip('/')}/healthz"
    if not address.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url} is not http:// or https://", param_hint="--url")
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=5) as answer:
            text, code = answer.read(1000), DONE
    except HTTPError as exc:
        text, code = exc.read(1000), FAILED
    except (URLError, OSError) as exc:
        reason = getattr(exc, "reason", exc)
        say(f"{address}: no answer ({reason}); is blurcam serve running?")
        raise typer.Exit(FAILED) from exc
    lines = text.decode("utf-8", "replace").splitlines()
    say(". ".join(" ".join(line.split()) for line in lines if line.strip()))
    raise typer.Exit(code)
