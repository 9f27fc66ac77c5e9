"""The zones files of a box's cameras, for the page's editor: read, and written as a whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from blurcam.errors import ConfigError
from blurcam.runtime.files import write_file
from blurcam.settings.cameras_yaml import read_site
from blurcam.settings.zones_file import StoredZones, Zone, parse_zones, read_zones, zones_text

logger = logging.getLogger(__name__)


class StaleZones(ConfigError):
    """Zones that were drawn on others than those that are stored now."""


class BadZones(ConfigError):
    """Zones that no zones file may hold."""


class ZoneStore:
    """Reads and replaces the zones files that ``cameras.yaml`` names; that file is only read.

    Each call reads the file of cameras anew, so that nothing is written which could not come into
    force. Methods wait for the disk; one thread calls :meth:`save` at a time.
    """

    def __init__(self, config: Path, reload: Callable[[], object]) -> None:
        """Take the file of cameras, and what has it read again, as SIGHUP has."""
        self._config = config
        self._reload = reload

    def read(self, camera: str) -> StoredZones:
        """Return the zones that are stored; raises ConfigError, in words for people."""
        return read_zones(self._file_of(camera))

    def save(self, camera: str, content: bytes, mark: str, who: str) -> StoredZones:
        """Store other zones, have them come into force, and log ``who`` did that.

        ``mark`` is that of the zones they were made from. Raises StaleZones if there are others
        now, BadZones for zones that are not sound, ConfigError if nothing can be written.
        """
        path = self._file_of(camera)
        before = read_zones(path)
        if before.mark != mark:
            raise StaleZones(
                f"The zones of {camera} were changed meanwhile, in another tab or file."
            )
        try:
            zones = parse_zones(content)
        except ConfigError as exc:
            raise BadZones(str(exc)) from exc
        try:
            # Where a symbolic link leads, so that the link stays.
            write_file(path.resolve(), zones_text(zones))
        except OSError as exc:
            raise ConfigError(f"{path}: cannot be written: {exc.strerror}") from exc
        told = (camera, _counted(before.zones), _counted(zones), who)
        logger.info("%s: zones changed from %s to %s, by %s", *told)
        self._reload()
        return read_zones(path)

    def _file_of(self, camera: str) -> Path:
        path = read_site(self._config).zones.get(camera)
        if path is None:
            raise ConfigError(
                f"{camera} has no zones file yet. Make one, {camera}.zones.json, name it in "
                f"{self._config.name} (zones: {camera}.zones.json), and reload."
            )
        return path


def _counted(zones: tuple[Zone, ...]) -> str:
    masks = sum(zone.mask is not None for zone in zones)
    return f"{masks} masks and {len(zones) - masks} places to ignore"
