"""``serve`` and ``config``: the cameras of a box, for months."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blurcam.commands.terminal import DONE, say, to_json
from blurcam.errors import ConfigError
from blurcam.runtime.signals import ENDING, Stop, handling
from blurcam.runtime.status import Board
from blurcam.settings.web import Web

if TYPE_CHECKING:
    from blurcam.serve.supervisor import Supervisor
    from blurcam.serve.zone_store import ZoneStore

logger = logging.getLogger(__name__)

ConfigFile = Annotated[Path, typer.Option("--config", help="The file of cameras.")]

config_app = typer.Typer(help="Check the file of cameras.", no_args_is_help=True)


def serve(config: ConfigFile = Path("cameras.yaml")) -> None:
    """Redact every camera of a file, each in a process of its own, until stopped.

    SIGHUP makes blurcam read the file again. Only the cameras that changed are restarted; the page
    stays as it is.
    """
    from blurcam.media.clock import SystemClock
    from blurcam.serve.supervisor import Supervisor
    from blurcam.serve.systemd import Notifier
    from blurcam.serve.watchdog import Watchdog
    from blurcam.serve.zone_store import ZoneStore
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
        zones = ZoneStore(config, reload.ask)
        page, end_page = stack.enter_context(_page(supervisor, site.web, zones))
        # The page closes its connections while the cameras end.
        for last in (supervisor.stop, end_page, notifier.stopping):
            stack.callback(last)
        say(f"{config}: cameras: {len(site.cameras)}")
        watchdog = Watchdog(notifier, clock)
        notifier.ready()
        while not stop.asked:
            if reload.asked:
                reload.asked = False
                notifier.reloading()
                _reload(config, site.web, supervisor)
                notifier.ready()
            supervisor.turn()
            watchdog.tick(supervisor.statuses())
            while page:
                logger.error("the page has ended, the cameras go on: %r", page.pop())
    raise typer.Exit(DONE)


def _reload(config: Path, web: Web | None, supervisor: Supervisor) -> None:
    """Read the file again; with faults in it the cameras go on as they were."""
    from blurcam.settings.cameras_yaml import read_site

    try:
        latest = read_site(config)
    except ConfigError as exc:
        for line in str(exc).splitlines():
            say(line)
        say(f"{config}: not used; the cameras go on as they were")
        return
    supervisor.reload(latest.cameras)
    say(f"{config}: read anew")
    if latest.web != web:
        say(f"{config}: web: has changed; the page changes at the next start")


@contextmanager
def _page(
    board: Board, web: Web | None, zones: ZoneStore
) -> Iterator[tuple[list[Exception], Callable[[], None]]]:
    """Serve the page while the block lasts.

    Gives a list of what the page raised, and a function that ends it.
    """
    if web is None:
        yield [], lambda: None
        return
    from blurcam.runtime.threads import beside
    from blurcam.serve.web.server import PageServer

    server = PageServer(board, web, zones=zones)
    say(f"page: {server.url}")
    with beside(server.run, server.stop) as failures:
        yield failures, server.stop


@config_app.command("check")
def config_check(
    file: Annotated[Path, typer.Argument(help="The file of cameras.")] = Path("cameras.yaml"),
) -> None:
    """Say whether the file of cameras can be used; if not, what is wrong with each of its keys."""
    from blurcam.runs.camera_outputs import check_camera
    from blurcam.settings.cameras_yaml import read_site

    faults = []
    for camera in read_site(file).cameras:
        try:
            check_camera(camera)
        except ConfigError as exc:
            faults.append(f"{file}: cameras.{camera.name}: {exc}")
        else:
            typer.echo(f"{camera.name}: {camera.source}, outputs: {len(camera.outputs)}")
    if faults:
        raise ConfigError("\n".join(faults))


@config_app.command("schema")
def config_schema(
    zones: Annotated[bool, typer.Option("--zones", help="That of a zones file.")] = False,
) -> None:
    """Print the JSON Schema of the file of cameras, for editors."""
    from blurcam.settings.cameras_yaml_keys import schema
    from blurcam.settings.zones_file import zones_schema

    typer.echo(to_json(zones_schema() if zones else schema()), nl=False)
