"""A plug-in for pytest that breaks blurcam before tests of it are run, which must then fail.

PROOF_SPOIL=blur_reads_the_face python -m pytest -x -p tests.proof.spoiling tests/unit/redact
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.proof.joints import Strike, wrap


def redacts_nothing() -> None:
    """Every frame goes out as it came."""
    from tests.proof.breaks import redacts_nothing as bare

    bare()


def blur_reads_the_face() -> None:
    """The default effect is a mosaic of the face's own colours."""
    from blurcam.redact.effects import Blur, Pixelate

    def fill(effect: Any, *args: Any) -> Any:
        del effect
        return Pixelate().fill(*args)

    # The gate takes the face out before an effect that says it reads none.
    Blur.reads_face = True
    Blur.fill = fill  # type: ignore[method-assign]


def tracking_takes_away() -> None:
    """A face counts from the second time on that it is seen."""

    def see(original: Strike, session: Any, frame: Any, answer: Any) -> None:
        if session._tracks or getattr(session, "_once", False):  # noqa: SLF001
            original(session, frame, answer)
        session._once = True  # noqa: SLF001

    wrap("blurcam.track.cover:_Session._see", see)


def anybody_may_draw() -> None:
    """The editor of zones asks nobody to sign in."""

    def allowed(original: Strike, routes: Any, request: Any) -> Any:
        del original
        return routes._named(request)  # noqa: SLF001

    wrap("blurcam.serve.web.zone_routes:ZoneRoutes._allowed", allowed)


def any_model_will_do() -> None:
    """Whatever lies where a model should be is loaded."""
    wrap("blurcam.models.load:refuse_unpinned", lambda original, *args: None)


def pins_lie_beside_the_models() -> None:
    """A manifest in the folder of the models says what they must be."""

    def around(original: Strike, pinned: Any, added: Path) -> Any:
        from blurcam.models.manifest import _read

        del original
        return pinned | _read(added) if added.exists() else pinned

    wrap("blurcam.models.manifest:_with_added", around)


def any_token_will_do() -> None:
    """Every offered token counts as the right one."""
    wrap("blurcam.serve.web.access:Access.is_token", lambda original, access, offered: True)


def a_tree_is_anybodys() -> None:
    """Two jobs may write into one output folder."""
    wrap("blurcam.batch.output_folder:_claim", lambda original, *args: None)


def any_file_is_known() -> None:
    """A report is not asked which files it knows."""
    wrap("blurcam.batch.report.check:_unknown", lambda original, *args: ())


def a_pickle_will_do() -> None:
    """A message is read without asking what it may say."""
    import json

    def read(original: Strike, text: str, allowed: Any) -> Any:
        del original, allowed
        return json.loads(text)

    wrap("blurcam.batch.task_json:_from_json", read)


def a_sink_sees_frames() -> None:
    """A module of the sinks imports raw frames."""
    read = Path.read_text

    def instead(path: Path, *args: Any, **options: Any) -> str:
        text = read(path, *args, **options)
        if path.parts[-2:] == ("sinks", "pipe.py"):
            text += "\nimport blurcam.media.frames\n"
        return text

    Path.read_text = instead  # type: ignore[method-assign]


def guesses_are_free() -> None:
    """A client may offer as many tokens as it likes."""
    wrap("blurcam.serve.web.throttle:TokenThrottle.wait", lambda original, *args: 0.0)


def outputs_do_not_count() -> None:
    """What is not recorded or published is not told."""
    wrap("blurcam.serve.camera_health:_outputs", lambda original, *args: iter(()))


def a_step_is_silence() -> None:
    """The times in statuses are taken as they are."""
    wrap("blurcam.serve.steady_times:SteadyTimes.of", lambda original, times, statuses: statuses)


def the_clock_is_right() -> None:
    """A recording is as old as the wall clock says."""

    def least(original: Strike, ages: Any, moment: float) -> float:
        del original
        return float(ages._clock.wall() - moment)  # noqa: SLF001

    wrap("blurcam.sinks.recording_ages:RecordingAges.least", least)


def links_are_followed() -> None:
    """The folder of a recording is found by its path alone."""
    from blurcam.runtime import folders

    vars(folders)["_INNER"] = vars(folders)["_FOLDER"]


def names_never_meet() -> None:
    """No two patterns are taken to make the same name."""
    wrap("blurcam.settings.recording_names:NamePattern.overlaps", lambda original, *args: False)


def a_camera_may_send_elsewhere() -> None:
    """FFmpeg opens whatever an HTTP server names."""

    def options(original: Strike, *args: Any, **kwargs: Any) -> dict[str, str]:
        del original, args, kwargs
        return {}

    wrap("blurcam.sources.camera:camera_options", options)


SPOILS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        redacts_nothing, blur_reads_the_face, tracking_takes_away, any_model_will_do,
        pins_lie_beside_the_models, any_token_will_do, a_sink_sees_frames, a_tree_is_anybodys,
        any_file_is_known, a_pickle_will_do, guesses_are_free, outputs_do_not_count,
        a_step_is_silence, the_clock_is_right, links_are_followed, names_never_meet,
        a_camera_may_send_elsewhere, anybody_may_draw,
    )
}  # fmt: skip


def pytest_configure() -> None:
    """Break this process's blurcam."""
    SPOILS[os.environ["PROOF_SPOIL"]]()
