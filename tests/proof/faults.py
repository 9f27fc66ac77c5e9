"""The faults, each of which may strike at the nth call of a stage.

A fault is armed in the process under test. It names the exit codes that are right once it has
struck, and the break of the product that it must bring to light.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.proof.joints import STAGES, Strike, at_call, detector_of, wrap

Tell = Callable[[], object]
Arm = Callable[[int, Tell], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    ``codes`` are right when it has struck; ``reach`` is the last call worth striking. ``covers``:
    a frame must have been fully covered. ``feed`` and ``real`` say which recording and whether the
    real detector; ``named``: a failed run may have given the output, complete, its name.
    ``spoil`` makes the recording of the nth call out of the feed.
    """

    kind: str
    stage: str
    codes: frozenset[int]
    broken_by: str
    arm: Arm | None = None
    reach: int = 12
    covers: bool = False
    named: bool = False
    real: bool = False
    preload: bool = False
    argv: Sequence[str] = ()
    spoil: str | None = None
    signals: Sequence[tuple[float, int]] = ()
    limits: dict[int, int] = field(default_factory=dict)
    stderr: str | None = None


def use_oracle(path: str = "run") -> None:
    """Put the stand-in detector in the real ones' place."""
    from tests.proof.oracle import Oracle

    wrap(detector_of(path), lambda original, detect, **rest: Oracle())


def _raising(error: Callable[[], BaseException]) -> Strike:
    def strike(original: Strike, *args: Any, **kwargs: Any) -> Any:
        del original, args, kwargs
        raise error()

    return strike


def _detector_error() -> BaseException:
    from blurcam.errors import DetectorError

    return DetectorError("injected")


def _detector_timeout() -> BaseException:
    from blurcam.errors import DetectorTimeout

    return DetectorTimeout("injected")


def _at(stage: str, strike: Strike, *, ever: bool = False) -> Arm:
    return lambda nth, tell: at_call(STAGES[stage], nth, strike, tell, ever=ever)


def _hanging(original: Strike, answer: Any, timeout: float) -> Any:
    """Keep silent for all the time that one may."""
    del original, answer
    time.sleep(timeout)
    raise _detector_timeout()


def _slow(original: Strike, *args: Any) -> Any:
    time.sleep(0.02)
    return original(*args)


def _answers(value: Any) -> Strike:
    return lambda original, *args, **kwargs: value


def _with_nonsense(original: Strike, *args: Any) -> Any:
    from blurcam.detect.detector import Detection
    from blurcam.media.regions import Box

    far = (Box(-500, -500, -400, -400), Box(5000, 10, 5100, 90), Box(-20, -20, 4000, 3))
    return (*original(*args), *(Detection(box, 1.0) for box in far))


def _late(nth: int, tell: Tell) -> None:
    """From the nth on each answer is that to the search before."""
    from tests.proof.oracle import Found

    last: list[Any] = []

    def strike(original: Strike, *args: Any) -> Any:
        fresh = original(*args)
        last.append(fresh)
        return Found(last[-2].wait(1.0)) if len(last) > 1 else fresh

    at_call(STAGES["detect"], nth, strike, tell, ever=True)


class _BadRequest:
    """An inference request of the real runtime that goes wrong in its answer."""

    def __init__(self, request: Any, how: str) -> None:
        self._request = request
        self._how = how

    def __getattr__(self, name: str) -> Any:
        """Be the request itself otherwise; used again it is sound."""
        if name == "start_async":
            self._how = ""
        return getattr(self._request, name)

    def wait_for(self, milliseconds: int) -> bool:
        done = self._request.wait_for(milliseconds)
        if self._how == "raises":
            raise RuntimeError("injected")
        return bool(done) and self._how != "silent"

    def get_output_tensor(self, index: int) -> Any:
        import numpy as np

        array = np.array(self._request.get_output_tensor(index).data, np.float32)
        if self._how == "shape":
            array = array[:, :, :1, :1]
        elif self._how == "rank":
            array = array.ravel()
        elif self._how in ("nan", "inf"):
            array.ravel()[array.size // 2] = float(self._how)
        return type("Tensor", (), {"data": array})()


def _runtime(how: str) -> Arm:
    def strike(original: Strike, *args: Any) -> Any:
        from blurcam.detect.detectors.openvino import Pending

        pending = original(*args)
        bad = _BadRequest(pending._request, how)  # noqa: SLF001
        return Pending(pending._compiled, bad, pending._batch)  # noqa: SLF001

    def arm(nth: int, tell: Tell) -> None:
        # The first two are the self-test, which is not what is tested here.
        at_call("blurcam.detect.detectors.openvino:_Compiled.start", nth + 2, strike, tell)

    return arm


def _undecodable(original: Strike, decoded: Any, packet: Any) -> Any:
    """Have FFmpeg refuse this packet."""
    import av

    class Refusing:
        thread_count = decoded._context.thread_count  # noqa: SLF001

        def decode(self, packet: Any) -> Any:
            del packet
            raise av.error.InvalidDataError(errno.EINVAL, "injected")

    context, decoded._context = decoded._context, Refusing()  # noqa: SLF001
    try:
        return original(decoded, packet)
    finally:
        decoded._context = context  # noqa: SLF001


def _refusing_encoder(original: Strike, encoder: Any, frame: Any) -> Any:
    """Have FFmpeg's encoder refuse this picture."""
    from blurcam.errors import SinkWriteError

    del original, frame
    raise SinkWriteError(f"encoder {encoder.name}: injected")


def _killing(number: int) -> Strike:
    def strike(original: Strike, *args: Any, **kwargs: Any) -> Any:
        os.kill(os.getpid(), number)
        return original(*args, **kwargs)

    return strike


def _low_on(kind: int, spare: int) -> Strike:
    """Leave the process hardly any more of a resource than it has."""

    def strike(original: Strike, *args: Any, **kwargs: Any) -> Any:
        if kind == resource.RLIMIT_AS:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + spare
        else:
            most = len(os.listdir("/proc/self/fd")) - 1 + spare  # noqa: PTH208
        resource.setrlimit(kind, (most, most))
        return original(*args, **kwargs)

    return strike


def _clock(nth: int, tell: Tell) -> None:
    """The time of day leaps forth and back."""
    real = time.time
    moved = [0.0]
    time.time = lambda: real() + moved[0]

    def strike(original: Strike, *args: Any, **kwargs: Any) -> Any:
        moved[0] = -1e9 if moved[0] > 0 else 1e8
        return original(*args, **kwargs)

    at_call(STAGES["picture"], nth, strike, tell, ever=True)


def _on_sink(change: Callable[[Any], object]) -> Strike:
    def strike(original: Strike, sink: Any, *args: Any) -> Any:
        change(sink)
        return original(sink, *args)

    return strike


def _on_source(change: Callable[[Path], object]) -> Strike:
    def strike(original: Strike, decoded: Any, *args: Any) -> Any:
        change(Path(decoded._name))  # noqa: SLF001
        return original(decoded, *args)

    return strike


def _system(call: str, error: int, *, ever: bool = False) -> Arm:
    """Have a system call on the run's own folder fail; see syscalls.c."""

    def arm(nth: int, tell: Tell) -> None:
        del tell
        library = ctypes.CDLL(None)
        folder = os.environ["PROOF_INPUT" if call == "read" else "PROOF_OUTPUT"]
        told = int(os.environ["PROOF_TOLD"])
        library.blurcam_fail(call.encode(), nth, error, int(ever), folder.encode(), told)

    return arm


def _codes(*codes: int) -> frozenset[int]:
    return frozenset(codes)


FINDING = ("--lead", "0", "--hold", "0", "--bridge", "0")
"""Settings with which nothing but each frame's own search covers it."""
_BUGS: dict[str, Callable[[], BaseException]] = {
    "a bug": lambda: RuntimeError("injected"),
    "no memory": lambda: MemoryError("injected"),
    "an error of the system": lambda: OSError(errno.EIO, "injected"),
}
# These stages are ahead of what is written: only their later calls fail when something lies there.
_REACH = {"decode": 24, "picture": 24, "link": 24, "answer": 24}


def _bugs() -> list[Fault]:
    found = []
    for stage in STAGES:
        late = stage in ("finish", "verify", "digest", "publish", "summary")
        if stage in ("redact", "fill"):
            by = "raw_on_error"
        elif stage == "cover":
            by = "uncovered_on_error"
        elif stage in ("search", "detect", "answer"):
            by = "unanswered_is_empty"
        else:
            by = "publish_anyway" if stage != "summary" else "copies_input"
        for what, error in _BUGS.items():
            codes = _codes(1)
            if (what, stage) == ("an error of the system", "decode"):
                # That is a source that fails: the frames before it are worth publishing.
                codes, by = _codes(1, 3), "failed_read_is_the_end"
            found.append(
                Fault(f"{what} in {stage}", stage, codes, by, _at(stage, _raising(error)),
                      reach=1 if late else _REACH.get(stage, 12), named=stage == "summary",
                      argv=FINDING if "answer" in by else ())
            )  # fmt: skip
    return found


def _detection() -> list[Fault]:
    empty = "unanswered_is_empty"
    found = [
        Fault("detector refuses a frame", "detect", _codes(3), empty,
              _at("detect", _raising(_detector_error)), covers=True, argv=FINDING),
        Fault("detector fails on a frame", "answer", _codes(3), empty,
              _at("answer", _raising(_detector_error)), covers=True, argv=FINDING),
        Fault("detector hangs", "answer", _codes(3), empty, _at("answer", _hanging), covers=True,
              argv=(*FINDING, "--timeout", "0.05")),
        Fault("detector fails for good", "answer", _codes(1), "publish_anyway",
              _at("answer", _raising(_detector_error), ever=True),
              argv=(*FINDING, "--patience", "3")),
        Fault("detector slows ten-fold", "answer", _codes(0), "no_waiting",
              _at("answer", _slow, ever=True), argv=FINDING),
        Fault("detector answers None", "answer", _codes(1), empty,
              _at("answer", _answers(None)), argv=FINDING),
        Fault("detector answers nonsense", "answer", _codes(1), empty,
              _at("answer", _answers(("face", 7))), argv=FINDING),
        Fault("detector adds boxes far outside", "answer", _codes(0), "no_waiting",
              _at("answer", _with_nonsense), argv=FINDING),
        Fault("detector answers for the frame before", "detect", _codes(0), "no_waiting", _late,
              argv=FINDING),
    ]  # fmt: skip
    for how, kind in (
        ("nan", "real detector answers NaN"), ("inf", "real detector answers infinity"),
        ("raises", "real runtime fails"), ("silent", "real runtime stays silent"),
    ):  # fmt: skip
        found.append(Fault(kind, "runtime", _codes(3), empty, _runtime(how), reach=9, covers=True,
                           real=True, argv=FINDING))  # fmt: skip
    for how, kind in (
        ("shape", "real detector answers too small a map"),
        ("rank", "real detector answers in another shape"),
    ):
        found.append(Fault(kind, "runtime", _codes(1, 3), empty, _runtime(how), reach=9,
                           real=True, argv=FINDING))  # fmt: skip
    return found


def _sources() -> list[Fault]:
    return [
        Fault("a packet that FFmpeg refuses", "decode", _codes(3), "damage_is_trusted",
              _at("decode", _undecodable)),
        Fault("flipped bits in a packet", "input", _codes(3), "damage_is_trusted",
              spoil="flipped"),
        Fault("recording cut short", "input", _codes(1, 3), "failed_read_is_the_end",
              spoil="cut"),
        Fault("the size changes", "input", _codes(0), "later_sessions_are_bare", spoil="resized"),
        Fault("the pixel format changes", "input", _codes(0), "redacts_nothing",
              spoil="reformatted"),
        Fault("time jumps by an hour", "input", _codes(0), "later_sessions_are_bare",
              spoil="jumped"),
        Fault("time steps back", "input", _codes(0, 3), "later_sessions_are_bare", spoil="stepped"),
        Fault("input truncated while it is read", "decode", _codes(1, 3), "failed_read_is_the_end",
              _at("decode", _on_source(lambda path: os.truncate(path, 3000)))),
        Fault("input deleted while it is read", "decode", _codes(0, 1, 3), "redacts_nothing",
              _at("decode", _on_source(lambda path: path.unlink(missing_ok=True))), named=True),
        Fault("reading the input: EIO", "read", _codes(0, 1, 2, 3), "failed_read_is_the_end",
              _system("read", errno.EIO), preload=True, reach=12),
    ]  # fmt: skip


def _outputs() -> list[Fault]:
    found = [
        Fault("encoder refuses a frame", "encode", _codes(1), "publish_anyway",
              _at("encode", _refusing_encoder)),
        Fault("the file under way is deleted", "write", _codes(1), "copies_input",
              _at("write", _on_sink(lambda sink: sink.part.unlink(missing_ok=True)))),
        Fault("the output's name is taken meanwhile", "write", _codes(1), "publish_anyway",
              _at("write", _on_sink(lambda sink: sink.path.write_text("mine")))),
        Fault("the output's folder is renamed", "write", _codes(1), "copies_input",
              _at("write", _on_sink(lambda sink: sink.path.parent.rename(
                  sink.path.parent.with_name("moved"))))),
        Fault("no room for standard error", "stderr", _codes(0, 1, 120), "copies_input",
              stderr="/dev/full", reach=1, named=True),
    ]  # fmt: skip
    for call, error, reach in (
        ("write", errno.ENOSPC, 6), ("write", errno.EIO, 6), ("write", errno.EROFS, 4),
        ("write", errno.EDQUOT, 4), ("fsync", errno.EIO, 1), ("fsync", errno.ENOSPC, 1),
        ("open", errno.EROFS, 3), ("open", errno.EMFILE, 3), ("open", errno.ENOSPC, 3),
    ):  # fmt: skip
        name = errno.errorcode[error]
        found.append(
            Fault(f"{call} on the output: {name}", call, _codes(0, 1),
                  "copies_input" if call == "open" else "publish_anyway",
                  _system(call, error, ever=call == "write"), preload=True, reach=reach,
                  named=call != "fsync")
        )  # fmt: skip
    for call, error in (("link", errno.EIO), ("link", errno.EXDEV), ("rename", errno.EROFS)):
        name = errno.errorcode[error]
        found.append(
            Fault(f"{call} of the output: {name}", call, _codes(0, 1), "copies_input",
                  _system(call, error), preload=True, reach=1, named=True)
        )  # fmt: skip
    for most in (500, 2000, 5000, 8000):
        found.append(
            Fault(f"no file may grow beyond {most} bytes", "limit", _codes(1, 2), "publish_anyway",
                  limits={resource.RLIMIT_FSIZE: most}, reach=1)
        )  # fmt: skip
    return found


def _machine() -> list[Fault]:
    found = [
        Fault("out of memory", "picture", _codes(0, 1), "copies_input",
              _at("picture", _low_on(resource.RLIMIT_AS, 1 << 20)), named=True),
        Fault("out of descriptors", "write", _codes(0, 1), "copies_input",
              _at("write", _low_on(resource.RLIMIT_NOFILE, 0)), named=True),
        Fault("the clock leaps", "picture", _codes(0), "redacts_nothing", _clock),
        Fault("stopped and continued", "signal", _codes(0), "redacts_nothing",
              signals=((0.05, signal.SIGSTOP), (0.3, signal.SIGCONT),
                       (0.4, signal.SIGSTOP), (0.6, signal.SIGCONT)), reach=4),
    ]  # fmt: skip
    for stage in ("decode", "picture", "answer", "cover", "redact", "encode", "write", "verify",
                  "publish"):  # fmt: skip
        late = stage in ("verify", "publish")
        for number, codes in (
            (signal.SIGKILL, _codes(-9)),
            (signal.SIGTERM, _codes(143, 0)), (signal.SIGINT, _codes(130, 0)),
        ):  # fmt: skip
            found.append(
                Fault(f"{number.name} in {stage}", stage, codes,
                      "redacts_nothing" if late and codes != {-9} else "write_in_place",
                      _at(stage, _killing(number)), reach=1 if late else _REACH.get(stage, 16),
                      named=late and codes != {-9})
            )  # fmt: skip
    return found


FAULTS = {each.kind: each for each in _bugs() + _detection() + _sources() + _outputs() + _machine()}

# What is about one file under one name is not about streams, jobs and cameras.
_OF_FILES = (
    "verify", "digest", "publish", "input", "limit", "open", "fsync", "link", "rename", "read",
    "runtime",
)  # fmt: skip
# What a bug, a kill and a refusal end with, path by path: a job goes on and says so, a camera is
# started anew for ever. A signal for a job's worker is no Ctrl-C, which the job alone hears: its
# worker died.
_ENDS: dict[str, dict[int, int]] = {
    "pipe": {143: 0, 130: 0},
    "batch": {1: 3, -9: 3, 143: 3, 130: 3},
    "serve": {1: 0, 3: 0, -9: 0, 143: 0, 130: 0},
}
# Breaks that show on any path; in place of those of a single file there is one that all have.
_ANYWHERE = frozenset({"raw_on_error", "uncovered_on_error", "unanswered_is_empty", "no_waiting",
                       "redacts_nothing"})  # fmt: skip


def faults_of(path: str) -> dict[str, Fault]:
    """Return the faults of a path other than ``run``.

    Of exceptions that differ in their class alone there is one: the others are those of ``run``.
    """
    found = {}
    for each in FAULTS.values():
        if each.stage in _OF_FILES or each.preload or each.spoil or each.real:
            continue
        if each.kind.startswith(("no memory in", "an error of the system in")):
            continue
        if (path == "serve" and each.kind in _NOT_LIVE) or (path, each.stage) == (
            "serve",
            "summary",
        ):
            continue
        if path != "run" and each.kind.startswith(("the file under way", "the output's")):
            continue
        if path != "pipe" and each.stage == "stderr":
            continue
        ends = _ENDS[path]
        found[each.kind] = replace(
            each,
            codes=frozenset(ends.get(code, code) for code in each.codes),
            broken_by=each.broken_by if each.broken_by in _ANYWHERE else "errors_show_pictures",
            # The look-ahead of a camera answers late frames by covering them; nothing is certain.
            covers=each.covers and path != "serve",
        )
    return found


def faults_of_review() -> dict[str, Fault]:
    """Return the faults of a page that redacts whatever frame is asked for.

    It ends well, whatever became of one answer.
    """
    breaks = {
        "a bug in decode": "redacts_nothing",
        "a bug in picture": "redacts_nothing",
        "a bug in redact": "raw_on_error",
        "a bug in fill": "raw_on_error",
        "the clock leaps": "unsaved_edits_uncover",
    }
    well = frozenset({0})
    return {
        kind: replace(FAULTS[kind], codes=well, broken_by=broken, covers=False)
        for kind, broken in breaks.items()
    }


# The service plays the feed in a loop, where the face jumps back: a detector that answers for
# another frame is wrong there, and nothing in its answer tells.
_NOT_LIVE = frozenset(
    {"detector fails for good", "detector hangs", "detector answers for the frame before"}
)


def apply(kind: str, nth: int, tell: Tell) -> None:
    """Arm a fault in this process."""
    arm = FAULTS[kind].arm
    if arm is not None:
        arm(nth, tell)
