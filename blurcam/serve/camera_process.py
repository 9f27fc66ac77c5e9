"""The process of one camera: settings come in through a pipe, the status goes out by another."""

from __future__ import annotations

import base64
import json
import logging
import os
from typing import NoReturn

from blurcam.errors import BlurcamError, ConfigError, ModelError
from blurcam.runtime.lines import log_in_lines, one_line
from blurcam.runtime.parent import Parent
from blurcam.runtime.signals import ENDING, Stop, handling
from blurcam.runtime.status import CameraStatus
from blurcam.settings.camera import Camera


def main(parent: Parent) -> NoReturn:
    """Run the camera that the parent describes; end with an exit code of blurcam."""
    stop = Stop()
    with handling(stop.ask, *ENDING):
        camera = parent.settings(Camera, "camera")
        log_in_lines(logging.WARNING, f"blurcam: {camera.name}: %(levelname)s: %(message)s")
        # The log names each recording that is deleted, with the reason.
        logging.getLogger("blurcam.sinks.retention").setLevel(logging.INFO)
        # A thread that still waits for its camera must not delay the end.
        os._exit(_run(camera, parent, stop))


def _run(camera: Camera, parent: Parent, stop: Stop) -> int:
    from blurcam.runs.camera import CameraRun
    from blurcam.sinks.jpeg import JpegStills

    stills = JpegStills()

    def tell(status: CameraStatus) -> None:
        parent.tell("status", status.to_json())
        jpeg = stills.take()
        if jpeg is not None:
            parent.tell("still", base64.b64encode(jpeg).decode())
        if parent.is_gone:
            stop.ask()

    try:
        CameraRun(camera, tell, stop, stills=(stills,)).run()
    except BlurcamError as exc:
        logging.getLogger("blurcam").error("%s", exc)
        parent.tell("failed", json.dumps(one_line(str(exc))))
        return 2 if isinstance(exc, ConfigError | ModelError) else 1
    except Exception as exc:
        logging.getLogger("blurcam").error("internal error", exc_info=True)
        parent.tell("failed", json.dumps(f"internal error: {type(exc).__name__}"))
        return 1
    return 0
