"""The process of one camera: settings come in by a pipe, its status goes out by another."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import signal
import sys
from types import FrameType
from typing import NoReturn

from blurcam.errors import BlurcamError, ConfigError, ModelError
from blurcam.runtime.status import CameraStatus
from blurcam.settings.camera import Camera


class SupervisorPipe:
    """The supervisor, at the other end of the pipe: told everything, and asked whether to go on."""

    def __init__(self, descriptor: int) -> None:
        """Write to this descriptor."""
        self._descriptor = descriptor
        self.stopping = False

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop, as a signal says."""
        del signum, frame
        self.stopping = True

    def is_stopping(self) -> bool:
        """Whether to stop: on a signal, or because the supervisor is gone."""
        return self.stopping

    def beat(self, status: CameraStatus) -> None:
        """Tell what the camera is doing."""
        self.tell("status", status.to_json())

    def still(self, jpeg: bytes) -> None:
        """Show the newest redacted picture."""
        self.tell("still", base64.b64encode(jpeg).decode())

    def tell(self, kind: str, body: str) -> None:
        """Write one line; a supervisor that is gone means the end of this process too."""
        line = memoryview(f"{kind} {body}\n".encode())
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:
            self.stopping = True


def main() -> NoReturn:
    """Run the camera that is described on stdin; end with an exit code of blurcam."""
    owner = SupervisorPipe(os.dup(1))
    os.dup2(2, 1)  # whatever else prints, prints to stderr
    signal.signal(signal.SIGTERM, owner.stop)
    signal.signal(signal.SIGINT, owner.stop)
    camera: Camera = pickle.load(sys.stdin.buffer)
    logging.basicConfig(
        level=logging.WARNING,
        format=f"blurcam: {camera.name}: %(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    # A reader that waits for a silent camera must not hold up the end.
    os._exit(_run(camera, owner))


def _run(camera: Camera, owner: SupervisorPipe) -> int:
    from blurcam.runs.camera import CameraOwner, run_camera
    from blurcam.sinks.jpeg import JpegStills

    stills = JpegStills()

    def beat(status: CameraStatus) -> None:
        owner.beat(status)

    def stop() -> bool:
        jpeg = stills.take()
        if jpeg is not None:
            owner.still(jpeg)
        return owner.is_stopping()

    try:
        run_camera(camera, CameraOwner(beat, stop), (stills,))
    except BlurcamError as exc:
        logging.getLogger("blurcam").error("%s", exc)
        owner.tell("failed", json.dumps(str(exc)))
        return 2 if isinstance(exc, ConfigError | ModelError) else 1
    except Exception as exc:
        logging.getLogger("blurcam").error("internal error", exc_info=True)
        owner.tell("failed", json.dumps(f"internal error: {type(exc).__name__}"))
        return 1
    return 0


if __name__ == "__main__":
    main()
