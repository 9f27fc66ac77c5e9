"""One process a camera: started, watched, replaced; none of them touches another."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import IO, Final

from blurcam.media.clock import Clock
from blurcam.runtime.backoff import CRASHED, BackOff
from blurcam.runtime.status import CameraStatus, State
from blurcam.settings.camera import Camera

logger = logging.getLogger(__name__)

# A camera's main thread sends a beat a second; a detector or a disk that hangs stops it.
HANGS_AFTER: Final = 5.0
# Loading libraries and models, on a busy machine, before the first beat.
_STARTS_WITHIN: Final = 60.0
# What is left of the three seconds that an end may take.
_ENDS_WITHIN: Final = 2.5
_TURN_SECONDS: Final = 0.2
_READ: Final = 1 << 16
# A line longer than this is no beat: the process has gone mad.
_LONGEST_LINE: Final = 4 << 20


@dataclass(slots=True)
class _Process:
    """The process that does one camera's work."""

    popen: subprocess.Popen[bytes]
    started: float
    beaten: float | None = None
    rest: bytes = b""
    ending_since: float | None = None
    was_hung: bool = False

    @property
    def pipe(self) -> IO[bytes]:
        assert self.popen.stdout is not None
        return self.popen.stdout


@dataclass(slots=True)
class _Post:
    """A camera's place under the supervisor, whether a process works there or not."""

    camera: Camera
    status: CameraStatus
    backoff: BackOff = field(default_factory=BackOff)
    process: _Process | None = None
    due: float = 0.0
    still: bytes | None = None
    replaced: dict[str, int] = field(default_factory=dict)
    is_leaving: bool = False


class Supervisor:
    """Runs cameras until stopped; it is the :class:`~blurcam.runtime.status.Board` of the page.

    :meth:`turn` is to be called over and over, by one thread. The board's methods answer at once,
    to any thread.
    """

    def __init__(
        self,
        cameras: Iterable[Camera],
        clock: Clock,
        *,
        hangs_after: float = HANGS_AFTER,
        module: str = "blurcam.serve.camera_process",
    ) -> None:
        """Take the cameras; the first :meth:`turn` starts them, each running ``module``."""
        self._clock = clock
        self._module = module
        self._hangs_after = hangs_after
        self._selector = selectors.DefaultSelector()
        self._posts: dict[str, _Post] = {}
        self._restarts: deque[str] = deque()
        self._order: tuple[str, ...] = ()
        self.reload(cameras)

    def reload(self, cameras: Iterable[Camera]) -> None:
        """Take a new list of cameras: those that are the same are not touched."""
        wanted = {camera.name: camera for camera in cameras}
        for name, post in self._posts.items():
            if wanted.get(name) != post.camera:
                post.is_leaving = name not in wanted
                self._end(post)
        for name, camera in wanted.items():
            known = self._posts.get(name)
            if known is None:
                self._posts = {**self._posts, name: self._post(camera)}
            elif camera != known.camera:
                known.camera, known.is_leaving = camera, False
                known.due = self._clock.elapsed()
        self._order = tuple(wanted)

    def _post(self, camera: Camera) -> _Post:
        status = CameraStatus(name=camera.name, state="starting", since=self._clock.wall())
        return _Post(camera, status)

    def statuses(self) -> tuple[CameraStatus, ...]:
        """Return what every camera is doing, in the order of the configuration."""
        posts = self._posts
        return tuple(posts[name].status for name in self._order if name in posts)

    def still(self, name: str) -> bytes | None:
        """Return a JPEG made from the camera's newest redacted picture."""
        post = self._posts.get(name)
        return None if post is None else post.still

    def pids(self) -> dict[str, int]:
        """Return the process of every camera that has one."""
        posts = self._posts.items()
        return {name: post.process.popen.pid for name, post in posts if post.process is not None}

    def restart(self, name: str) -> None:
        """Have the camera's process replaced; KeyError if no camera has this name."""
        if name not in self._posts:
            raise KeyError(name)
        self._restarts.append(name)

    def turn(self) -> None:
        """Do what is due: read what cameras say, replace what ended or hangs, start what waits."""
        for key, _ in self._selector.select(_TURN_SECONDS):
            post: _Post = key.data
            if post.process is not None and key.fileobj is post.process.pipe:
                self._read(post, post.process)
        while self._restarts:
            self._end(self._posts[self._restarts.popleft()])
        now = self._clock.elapsed()
        for name, post in list(self._posts.items()):
            if post.process is not None:
                self._look_after(post, post.process, now)
            elif post.is_leaving:
                self._posts = {k: v for k, v in self._posts.items() if k != name}
            elif now >= post.due:
                self._start(post)

    def stop(self) -> None:
        """End every camera: as it likes within its time, at once after that."""
        for post in self._posts.values():
            post.is_leaving = True
            self._end(post)
        while any(post.process is not None for post in self._posts.values()):
            self.turn()
        self._selector.close()

    def _start(self, post: _Post) -> None:
        popen = subprocess.Popen(
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the supervisor, which ends them in order
        )
        process = _Process(popen, self._clock.elapsed())
        os.set_blocking(process.pipe.fileno(), False)
        self._selector.register(process.pipe, selectors.EVENT_READ, post)
        post.process = process
        # Through a pipe, since arguments and the environment can be read by others.
        assert popen.stdin is not None
        with suppress(BrokenPipeError), popen.stdin:
            popen.stdin.write(pickle.dumps(post.camera))
        self._set(post, state="starting", next_try=None)

    def _end(self, post: _Post) -> None:
        if post.process is not None and post.process.ending_since is None:
            post.process.ending_since = self._clock.elapsed()
            post.process.popen.terminate()
            self._set(post, state=_leaving(post), next_try=None)

    def _look_after(self, post: _Post, process: _Process, now: float) -> None:
        if process.popen.poll() is not None:
            self._read(post, process)
            self._ended(post, process, now)
            return
        if process.ending_since is not None:
            if now - process.ending_since > _ENDS_WITHIN:
                process.popen.kill()
            return
        if process.beaten is None:
            hangs = now - process.started > _STARTS_WITHIN
        else:
            hangs = now - process.beaten > self._hangs_after
        if hangs:
            logger.error("%s: no sign of life; its process is replaced", post.camera.name)
            process.was_hung = True
            process.ending_since = now - _ENDS_WITHIN
            process.popen.kill()

    def _ended(self, post: _Post, process: _Process, now: float) -> None:
        self._selector.unregister(process.pipe)
        process.pipe.close()
        post.process = None
        if process.ending_since is not None and not process.was_hung:
            post.due = now
            self._set(post, state=_leaving(post))
            return
        why = "hung" if process.was_hung else "crashed"
        post.replaced[why] = post.replaced.get(why, 0) + 1
        wait = post.backoff.after(CRASHED, now - process.started)
        post.due = now + wait
        text = f"{post.camera.name}: its process {_ending(process)}; started anew in {wait:.1f} s"
        logger.error("%s", text)
        own = post.status.last_error
        # A process that says why it ends, says it best.
        told = own if process.popen.returncode in (1, 2) and own else text
        self._set(post, state="backoff", next_try=self._clock.wall() + wait, last_error=told)

    def _set(self, post: _Post, **changes: object) -> None:
        if changes.get("state", post.status.state) != post.status.state:
            changes["since"] = self._clock.wall()
        status = replace(post.status, **changes)  # type: ignore[arg-type]
        post.status = replace(status, reconnects=self._reconnects(post, status))

    @staticmethod
    def _reconnects(post: _Post, status: CameraStatus) -> dict[str, int]:
        return {**status.reconnects, **post.replaced}

    def _read(self, post: _Post, process: _Process) -> None:
        """Take in what the process has said; every whole line is a sign of life."""
        with suppress(BlockingIOError):
            while chunk := os.read(process.pipe.fileno(), _READ):
                *lines, process.rest = (process.rest + chunk).split(b"\n")
                for line in lines:
                    self._hear(post, process, line)
                if len(process.rest) > _LONGEST_LINE:
                    process.popen.kill()
                    return

    def _hear(self, post: _Post, process: _Process, line: bytes) -> None:
        try:
            kind, _, body = line.partition(b" ")
            if kind == b"status":
                status = CameraStatus.from_json(body)
                if process.ending_since is not None:
                    status = replace(status, state=_leaving(post), since=post.status.since)
                post.status = replace(
                    status,
                    reconnects=self._reconnects(post, status),
                    last_error=status.last_error or post.status.last_error,
                )
                process.beaten = self._clock.elapsed()
            elif kind == b"still":
                post.still = base64.b64decode(body, validate=True)
            elif kind == b"failed":
                post.status = replace(post.status, last_error=str(json.loads(body)))
        except ValueError as exc:
            logger.warning("%s: its process says what is not understood: %s", post.camera.name, exc)


def _leaving(post: _Post) -> State:
    """Return what a camera is called whose process was asked to end."""
    return "stopped" if post.is_leaving else "restarting"


def _ending(process: _Process) -> str:
    if process.was_hung:
        return "hung"
    code = process.popen.returncode
    if code < 0:
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
