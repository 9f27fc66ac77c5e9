"""``serve`` and ``config``: the cameras of a box, for months."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from blurcam.commands.terminal import DONE, say, to_json
from blurcam.errors import ConfigError
from blurcam.runtime.signals import ENDING, Stop, handling
from blurcam.runtime.status import Board
from blurcam.settings.web import Web

logger = logging.getLogger(__name__)

ConfigFile = Annotated[Path, typer.Option("--config", help="The file of cameras.")]

config_app = typer.Typer(help="Check the file of cameras.", no_args_is_help=True)


def serve(config: ConfigFile = Path("cameras.yaml")) -> None:
    """Redact every camera of a file, each in a process of its own, until stopped.

    SIGHUP reads the file anew, and touches only the cameras that changed; the page stays as it is.
    """
    from blurcam.media.clock import SystemClock
    from blurcam.serve.supervisor import Supervisor
    from blurcam.serve.systemd import Notifier
    from blurcam.serve.watchdog import Watchdog
    from blurcam.settings.cameras_yaml import read_site

    site = read_site(config)
    logging.getLogger("blurcam").setLevel(logging.INFO)
    stop, reload = Stop(), Stop()
    clock = SystemClock()
    with ExitStack() as stack:
        stack.enter_context(handling(stop.ask, *ENDING))
        stack.enter_context(handling(reload.ask, signal.SIGHUP))
        notifier = stack.enter_context(closing(Notifier()))
        supervisor = Supervisor(site.cameras, clock)
        page, end_page = stack.enter_context(_page(supervisor, site.web))
        # The page takes leave of its viewers while the cameras end.
        for last in (supervisor.stop, end_page, notifier.stopping):
            stack.callback(last)
        say(f"{config}: cameras: {len(site.cameras)}")
        watchdog = Watchdog(notifier, clock)
        notifier.ready()
        while not stop.asked:
            if reload.asked:
                reload.asked = False
                notifier.reloading()
                try:
                    latest = read_site(config)
                    supervisor.reload(latest.cameras)
                    say(f"{config}: read anew")
                    if latest.web != site.web:
                        say(f"{config}: web: has changed; the page changes at the next start")
                except ConfigError as exc:
                    say(f"{exc}; the cameras go on as they were")
                notifier.ready()
            supervisor.turn()
            watchdog.look(supervisor.statuses())
            while page:
                logger.error("the page has ended, the cameras go on: %r", page.pop())
    raise typer.Exit(DONE)


@contextmanager
def _page(board: Board, web: Web | None) -> Iterator[tuple[list[Exception], Callable[[], None]]]:
    """Serve the page while the block lasts; give what it raised, if it did, and what ends it."""
    if web is None:
        yield [], lambda: None
        return
    from blurcam.runtime.threads import beside
    from blurcam.serve.web.server import PageServer

    server = PageServer(board, web)
    say(f"page: {server.url}")
    with beside(server.run, server.stop) as failures:
        yield failures, server.stop


@config_app.command("check")
def config_check(
    file: Annotated[Path, typer.Argument(help="The file of cameras.")] = Path("cameras.yaml"),
) -> None:
    """Say whether the file of cameras can be used, and which key is wrong if not."""
    from blurcam.runs.camera_outputs import check_camera
    from blurcam.settings.cameras_yaml import read_site

    site = read_site(file)
    for camera in site.cameras:
        check_camera(camera)
        typer.echo(f"{camera.name}: {camera.source}, outputs: {len(camera.outputs)}")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the file of cameras, for editors."""
    from blurcam.settings.cameras_yaml_keys import schema

    typer.echo(to_json(schema()), nl=False)
