"""What the page of a review answers: its files, the queue, redacted frames, and edits."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from blurcam.errors import BlurcamError
from blurcam.media.clock import Clock
from blurcam.review.edits import edits_path, read_edits
from blurcam.review.open_recordings import OpenRecordings
from blurcam.review.recording_facts import facts_of, queue_entry
from blurcam.review.review_queue import ReviewItem, ReviewQueue
from blurcam.review.reviewed_recording import ReviewedRecording
from blurcam.review.web.answers import answering, as_json, edits_in, text_in, values_of
from blurcam.review.web.apply_progress import ApplyProgress
from blurcam.serve.web.access import Access
from blurcam.serve.web.request_filter import RequestFilter
from blurcam.serve.web.sign_in import SignInPage, sign_in_pages, with_session
from blurcam.serve.web.static_files import file_answer
from blurcam.serve.web.throttle import TokenThrottle
from blurcam.settings.web import Web

_OWN: Final = ("review.css", "review.js", "player.js", "timeline.js", "panels.js", "edits.js")
_SHARED: Final = ("icon.svg", "page.css", "login.css", "drawing.css", "drawing.js", "shapes.js")
_PAGES: Final = ("review.html",)
# Somebody who was not heard of for so long is not there any more.
_PRESENT_SECONDS: Final = 25.0


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """Who reviews, and the way in that the browser is sent by."""

    reviewer: str
    entrance: str


class ReviewPage:
    """The routes of the page."""

    def __init__(self, queue: ReviewQueue, web: Web, clock: Clock, options: ReviewOptions) -> None:
        """Read every file once, so that no path ever leads to the disk."""
        self._queue = queue
        self._clock = clock
        self._options = options
        self._entrance = options.entrance
        self._access = Access(web, clock)
        self._throttle = TokenThrottle(clock)
        self._recordings = OpenRecordings(queue)
        self._progress = ApplyProgress()
        self._present: dict[int, dict[str, tuple[str, float]]] = {}
        own = files("blurcam.review.web") / "static"
        shared = files("blurcam.serve.web") / "static"
        self._files = {name: (own / name).read_bytes() for name in (*_OWN, *_PAGES)}
        self._files |= {name: (shared / name).read_bytes() for name in _SHARED} | sign_in_pages()

    def app(self, is_crowded: Callable[[], bool]) -> ASGIApp:
        """Return the application, behind the checks of every request."""
        sign_in = SignInPage(self._access, self._throttle, self._page)
        one = "/recordings/{number:int}"
        routes = [
            Route("/", self._front),
            Route(f"/enter/{self._options.entrance}", self._enter),
            Route("/login", sign_in.login, methods=["GET", "POST"]),
            Route("/logout", sign_in.logout, methods=["POST"]),
            Route("/queue.json", answering(self._list)),
            Route("/progress.json", answering(self._how_far)),
            Route(f"{one}/facts.json", answering(self._facts)),
            Route(f"{one}/frames/{{frame:int}}.jpg", answering(self._frame)),
            Route(f"{one}/frames/{{frame:int}}.json", answering(self._regions)),
            Route(f"{one}/tracks/{{track:int}}.jpg", answering(self._track)),
            Route(f"{one}/draft", answering(self._draft), methods=["PUT"]),
            Route(f"{one}/save", answering(self._save), methods=["POST"]),
            Route(f"{one}/apply", answering(self._apply), methods=["POST"]),
            Route(f"{one}/here", answering(self._here), methods=["POST"]),
            *(Route(f"/{name}", self._file) for name in (*_OWN, *_SHARED)),
        ]
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        shared = {f"/{name}" for name in _SHARED} | {f"/enter/{self._options.entrance}"}
        return RequestFilter(app, self._access, self._throttle, frozenset(shared), is_crowded)

    def close(self) -> None:
        """Release what is open."""
        self._progress.close()
        self._recordings.close()

    def _page(self, name: str, status: int = 200) -> Response:
        return file_answer(self._files, name, status)

    async def _front(self, request: Request) -> Response:
        del request
        return self._page("review.html")

    async def _file(self, request: Request) -> Response:
        return self._page(request.url.path.removeprefix("/"))

    async def _enter(self, request: Request) -> Response:
        """Open a session for the browser that blurcam has opened: once."""
        offered = request.url.path.rpartition("/")[2]
        if not self._entrance or not hmac.compare_digest(offered, self._entrance):
            return PlainTextResponse(
                "This link was used already. Sign in with the token, at /login.\n", 403
            )
        self._entrance = ""
        return with_session(request, self._access.grant_session())

    # The queue.

    async def _list(self, request: Request) -> Response:
        del request
        items = await asyncio.to_thread(self._queue.items)
        entries = [queue_entry(each, _saved(each)) for each in items]
        return as_json({"title": self._queue.title, "reviewer": self._options.reviewer,
                      "recordings": entries})  # fmt: skip

    async def _how_far(self, request: Request) -> Response:
        del request
        return as_json({"recordings": self._progress.values()})

    # One recording.

    async def _facts(self, request: Request) -> Response:
        return as_json(await self._recordings.do(_number(request), facts_of))

    async def _frame(self, request: Request) -> Response:
        frame, draft = request.path_params["frame"], _draft_of(request)
        jpeg = await self._recordings.do(_number(request), lambda r: r.frame(frame, draft))
        return Response(jpeg, media_type="image/jpeg")

    async def _track(self, request: Request) -> Response:
        track, draft = request.path_params["track"], _draft_of(request)
        jpeg = await self._recordings.do(_number(request), lambda r: r.track(track, draft))
        return Response(jpeg, media_type="image/jpeg")

    async def _regions(self, request: Request) -> Response:
        """Answer where what is covered lies, for the lines that the page draws over a frame."""
        frame, draft = request.path_params["frame"], _draft_of(request)

        def regions(recording: ReviewedRecording) -> list[dict[str, Any]]:
            return [
                {
                    "track": each.track,
                    "basis": each.basis.value,
                    "shape": each.shape.value,
                    "box": [each.box.x0, each.box.y0, each.box.x1, each.box.y1],
                    "points": each.points,
                }
                for each in recording.coverage(frame, draft).regions
            ]

        return as_json({"regions": await self._recordings.do(_number(request), regions)})

    async def _draft(self, request: Request) -> Response:
        edits = edits_in(await values_of(request))
        draft = await self._recordings.do(_number(request), lambda r: r.draft(edits))
        return as_json({"draft": draft})

    async def _save(self, request: Request) -> Response:
        values = await values_of(request)
        edits, reviewer = edits_in(values), text_in(values, "reviewer", 200)
        based_on = str(values.get("based_on", ""))
        if not reviewer:
            raise HTTPException(422, "Say who you are: the edits carry your name.")

        def save(recording: ReviewedRecording) -> dict[str, Any]:
            steps = recording.save(reviewer, edits, based_on)
            self._queue.note(recording.item, steps)
            return {"saved_sha256": recording.saved_sha256,
                    "draft": recording.draft(recording.saved.edits)}  # fmt: skip

        return as_json(await self._recordings.do(_number(request), save))

    async def _apply(self, request: Request) -> Response:
        number = _number(request)
        if self._progress.is_busy(number):
            raise HTTPException(409, "The edits of this recording are being applied already.")

        def ready(recording: ReviewedRecording) -> tuple[ReviewItem, Any]:
            if recording.refusal is not None:
                raise HTTPException(409, recording.refusal)
            recording.reload()
            return recording.item, recording.saved

        item, edits = await self._recordings.do(number, ready)
        if not edits.reviewer:
            raise HTTPException(409, "Nothing is saved yet: save first, then apply.")
        under_way = self._progress.begin(number, lambda: self._queue.apply(item, edits))
        self._forgetting = asyncio.create_task(self._forget_after(number, under_way))
        return PlainTextResponse("The edits are being applied.\n", HTTPStatus.ACCEPTED)

    async def _forget_after(self, number: int, under_way: Any) -> None:
        """Have a recording opened anew once its output has changed."""
        await asyncio.wrap_future(under_way)
        await self._recordings.forget(number)

    async def _here(self, request: Request) -> Response:
        """Note who has a recording open, and answer who else has."""
        values, number, now = await values_of(request), _number(request), self._clock.elapsed()
        me, name = text_in(values, "id", 64), text_in(values, "reviewer", 200)
        there = self._present.setdefault(number, {})
        there[me] = (name, now)
        for other, (_, seen) in list(there.items()):
            if now - seen > _PRESENT_SECONDS:
                del there[other]
        others = [who for key, (who, _) in there.items() if key != me]
        return as_json({"others": others, "at": time.time()})


def _number(request: Request) -> int:
    return int(request.path_params["number"])


def _draft_of(request: Request) -> str:
    return request.query_params.get("draft", "")[:64]


def _saved(item: ReviewItem) -> Any:
    """Return the edits that are saved of a recording, ``None`` where there are none to be read."""
    try:
        return read_edits(edits_path(item.output))
    except BlurcamError:
        return None
