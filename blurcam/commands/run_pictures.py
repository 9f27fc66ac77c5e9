"""``run`` and ``render`` on pictures: one, or many into a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from blurcam.commands.terminal import (
    DONE,
    FAILED,
    INCOMPLETE,
    clear_line,
    say,
    show_line,
    unfinished,
    warn_of_cosmetic,
)
from blurcam.errors import ConfigError, SinkError, SourceError
from blurcam.runtime.counts import counted
from blurcam.settings.addresses import Address
from blurcam.settings.recording import Config

if TYPE_CHECKING:
    from blurcam.detect.detector import Detector
    from blurcam.runs.summary import Summary


def are_pictures(config: Config) -> bool:
    """Return whether the input is a picture, or many."""
    from blurcam.runs.picture_sets import is_set
    from blurcam.sources.picture import is_picture

    if isinstance(config.input, Address):
        return False
    leads_to_folder = config.output.is_dir() or not config.output.suffix
    return is_picture(config.input) or (is_set(config.input) and leads_to_folder)


def redact_pictures(config: Config, *, json: bool, quiet: bool) -> int:
    """Redact the pictures that the settings name; return the exit code."""
    from blurcam.runs.picture_sets import is_set

    warn_of_cosmetic(config.effect)
    with unfinished(config.output) as check_signals:
        if is_set(config.input_file):
            return _redact_set(config, check_signals, json=json, quiet=quiet)
        return _redact_one(config, json=json, quiet=quiet)


def _redact_one(config: Config, *, json: bool, quiet: bool) -> int:
    from blurcam.runs.picture import redact_picture

    output = config.output
    if output.is_dir():
        output = output / config.input_file.name
    summary = redact_picture(replace(config, output=output))
    if not quiet:
        _tell(summary)
    if json:
        typer.echo(summary.to_json())
    return DONE if summary.complete else INCOMPLETE


def _redact_set(
    config: Config, check_signals: Callable[[], None], *, json: bool, quiet: bool
) -> int:
    """Redact many pictures; print an error for each that cannot be redacted, and go on."""
    from blurcam.runs.picture import redact_picture
    from blurcam.runs.picture_sets import picture_set

    for key in ("regions", "summary", "render_from"):
        if getattr(config, key) is not None:
            raise ConfigError(f"{key.split('_')[0]}: is for one picture, not for many")
    found = picture_set(config.input_file, config.output)
    shown = not quiet and sys.stderr.isatty()
    done, failed, whole = 0, 0, 0
    with _detector_for(config) as detector:
        for number, (path, output) in enumerate(found.pairs):
            check_signals()
            if shown:
                show_line(f"{number} of {len(found.pairs)}: {path.name}")
            output.parent.mkdir(parents=True, exist_ok=True)
            try:
                one = replace(config, input=path, output=output)
                summary = redact_picture(one, detector=detector)
            except (SourceError, SinkError, ConfigError) as exc:
                failed += 1
                clear_line(shown)
                say(str(exc))
                continue
            done, whole = done + 1, whole + summary.frames_covered_whole
            clear_line(shown)
            if not quiet:
                _tell(summary)
            if json:
                typer.echo(summary.to_json())
    if not quiet:
        others = f"; other files left out: {found.left_out}" if found.left_out else ""
        say(f"pictures: {done} redacted, {failed} failed{others}")
    return FAILED if not done else INCOMPLETE if failed or whole else DONE


@contextmanager
def _detector_for(config: Config) -> Iterator[Detector]:
    from blurcam.runs.perception import open_detector
    from blurcam.runs.picture import for_pictures

    with closing(open_detector(for_pictures(config.detect))) as detector:
        yield detector


def _tell(summary: Summary) -> None:
    faces = counted(summary.tracks, "face")
    what = "fully covered" if summary.frames_covered_whole else faces
    say(f"{summary.input}: {what}; written: {summary.output}")
    for notice in summary.notices:
        say(f"note: {notice}")
