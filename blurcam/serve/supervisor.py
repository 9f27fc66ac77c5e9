"""The supervisor starts, watches and replaces a process for each camera. None affects another."""

from __future__ import annotations

import base64
import json
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from blurcam.media.clock import Clock
from blurcam.runtime.backoff import CRASHED, BackOff
from blurcam.runtime.child import Child, wait_for
from blurcam.runtime.json_values import to_json
from blurcam.runtime.status import CameraStatus, State
from blurcam.settings.camera import Camera

logger = logging.getLogger(__name__)

# A camera's main thread sends a beat a second; a detector or a disk that hangs stops it.
HANGS_AFTER: Final = 5.0
# The time before the first beat: on a busy machine, libraries and models load slowly.
_STARTS_WITHIN: Final = 60.0
# The process's share of the three seconds that an end may take.
_ENDS_WITHIN: Final = 2.5
_TURN_SECONDS: Final = 0.2


@dataclass(slots=True)
class _Post:
    """A camera's place under the supervisor, with or without a process."""

    camera: Camera
    status: CameraStatus
    backoff: BackOff = field(default_factory=BackOff)
    process: Child | None = None
    due: float = 0.0
    still: bytes | None = None
    replaced: dict[str, int] = field(default_factory=dict)
    is_leaving: bool = False


class Supervisor:
    """Runs cameras until stopped; it is the :class:`~blurcam.runtime.status.Board` of the page.

    One thread calls :meth:`turn` over and over. The board's methods answer at once, to any thread.
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
        """Return a JPEG of the camera's newest redacted frame."""
        post = self._posts.get(name)
        return None if post is None else post.still

    def pids(self) -> dict[str, int]:
        """Return the process of every camera that has one."""
        posts = self._posts.items()
        return {name: post.process.pid for name, post in posts if post.process is not None}

    def restart(self, name: str) -> None:
        """Have the camera's process replaced; KeyError if no camera has this name."""
        if name not in self._posts:
            raise KeyError(name)
        self._restarts.append(name)

    def turn(self) -> None:
        """Read the cameras' messages, replace processes that ended or hang, start those due."""
        by_process = {post.process: post for post in self._posts.values() if post.process}
        for process in wait_for(by_process, _TURN_SECONDS):
            self._read(by_process[process], process)
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
        """End every camera: in order within its time, by force after that."""
        for post in self._posts.values():
            post.is_leaving = True
            self._end(post)
        while any(post.process is not None for post in self._posts.values()):
            self.turn()

    def _start(self, post: _Post) -> None:
        try:
            post.process = Child(
                self._module,
                self._clock,
                starts_within=_STARTS_WITHIN,
                hangs_after=self._hangs_after,
                ends_within=_ENDS_WITHIN,
            )
        except OSError as exc:  # no process, descriptor or memory is left: the others go on
            wait = post.backoff.after(CRASHED, 0.0)
            post.due = self._clock.elapsed() + wait
            text = f"{post.camera.name}: its process cannot be started: {exc.strerror}"
            logger.error("%s", text)
            due = self._clock.wall() + wait
            self._set(post, state="backoff", next_try=due, last_error=text)
            return
        post.process.tell(to_json(post.camera))
        self._set(post, state="starting", next_try=None)

    def _end(self, post: _Post) -> None:
        if post.process is not None and not post.process.is_ending:
            post.process.end()
            self._set(post, state=_leaving(post), next_try=None)

    def _look_after(self, post: _Post, process: Child, now: float) -> None:
        if process.is_running:
            process.watch()
        else:
            self._read(post, process)
            self._ended(post, process, now)

    def _ended(self, post: _Post, process: Child, now: float) -> None:
        process.close()
        post.process = None
        if process.is_ending:
            post.due = now
            self._set(post, state=_leaving(post))
            return
        why = "hung" if process.is_hung else "crashed"
        post.replaced[why] = post.replaced.get(why, 0) + 1
        wait = post.backoff.after(CRASHED, now - process.started)
        post.due = now + wait
        ended = process.how_it_ended()
        text = f"{post.camera.name}: its process {ended}; started again in {wait:.1f} s"
        logger.error("%s", text)
        own = post.status.last_error
        # If the process told the reason for its end, that is the best one.
        told = own if process.exit_code in (1, 2) and own else text
        self._set(post, state="backoff", next_try=self._clock.wall() + wait, last_error=told)

    def _set(self, post: _Post, **changes: object) -> None:
        if changes.get("state", post.status.state) != post.status.state:
            changes["since"] = self._clock.wall()
        status = replace(post.status, **changes)  # type: ignore[arg-type]
        post.status = replace(status, reconnects=self._reconnects(post, status))

    @staticmethod
    def _reconnects(post: _Post, status: CameraStatus) -> dict[str, int]:
        return {**status.reconnects, **post.replaced}

    def _read(self, post: _Post, process: Child) -> None:
        """Read the messages of the process."""
        for kind, body in process.hear():
            self._hear(post, process, kind, body)

    def _hear(self, post: _Post, process: Child, kind: str, body: bytes) -> None:
        try:
            if kind == "status":
                status = CameraStatus.from_json(body)
                if process.is_ending:
                    status = replace(status, state=_leaving(post), since=post.status.since)
                post.status = replace(
                    status,
                    reconnects=self._reconnects(post, status),
                    last_error=status.last_error or post.status.last_error,
                )
            elif kind == "still":
                post.still = base64.b64decode(body, validate=True)
            elif kind == "failed":
                post.status = replace(post.status, last_error=str(json.loads(body)))
        except ValueError as exc:
            logger.warning("%s: a line of its process is not understood: %s", post.camera.name, exc)


def _leaving(post: _Post) -> State:
    """Return the state of a camera whose process was asked to end."""
    return "stopped" if post.is_leaving else "restarting"
