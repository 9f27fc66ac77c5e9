"""Inference through OpenVINO: the only importer of its runtime."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor

from blurcam.detect.views import Picture
from blurcam.errors import ConfigError, DetectorError, DetectorTimeout, ModelError

Outputs = dict[str, NDArray[np.float32]]
"""The outputs of a model by their names (an output may have several)."""

_SLICE = 0.1
# One runtime for this process, to its end. Each gives the thread that makes it a stack for signals,
# and takes the memory of that stack with it. Where the lives of two overlap, signals then arrive on
# memory that is gone: the process dies of SIGSEGV when it is asked to end.
_CORE = ov.Core()
# Seconds to wait at the end for a request that was given up.
_PATIENCE = 2.0


class Network:
    """A convolutional model, whose input may have any size that is a multiple of 32."""

    def __init__(
        self, name: str, weights: bytes, device: str, *, takes_rgb: bool, soon: bool = False
    ) -> None:
        """Read the weights; ConfigError for a device that is not there, else ModelError.

        With ``soon`` each answer comes as early as possible; else the network processes as many
        pictures a second as it can.
        """
        self.name = name
        self._device = device
        self._hints = _hints(device, soon=soon)
        self._takes_rgb = takes_rgb
        self._core = _CORE
        self._refuse_absent(device)
        self._compiled = _Compiled(name, self._compile(weights))

    def _refuse_absent(self, device: str) -> None:
        there = self._core.available_devices
        names = {each.split(".")[0] for each in there} | {"AUTO"}
        if device.split(":")[0].split(".")[0] not in names:
            raise ConfigError(
                f'device: OpenVINO sees no "{device}" here; it sees {", ".join(there)}'
            )

    def start(self, pictures: Sequence[Picture]) -> Pending:
        """Begin to run the model on pictures of one size; they are padded, never scaled."""
        return self._compiled.start(np.stack([_padded(picture) for picture in pictures]))

    def _compile(self, weights: bytes) -> Any:
        """Compile once for pictures of any size: 0.3 s, and 50 ms for the first of each size.

        To compile for each size by itself took 0.3 to 0.5 s each, and inference was no faster
        (240 to 290 ns a pixel against 256; 512 × 640, one core with AVX2).
        """
        try:
            model = self._core.read_model(weights)
            model.reshape({model.inputs[0]: [-1, 3, -1, -1]})
            steps = PrePostProcessor(model)
            tensor = steps.input().tensor()
            tensor.set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
            tensor.set_color_format(ColorFormat.BGR)
            if self._takes_rgb:
                steps.input().preprocess().convert_color(ColorFormat.RGB)
            steps.input().preprocess().convert_element_type(ov.Type.f32)
            steps.input().model().set_layout(ov.Layout("NCHW"))
            return self._core.compile_model(steps.build(), self._device, self._hints)
        except RuntimeError as exc:
            raise ModelError(
                f"{self.name}: OpenVINO cannot run it on {self._device}: {_brief(exc)}"
            ) from exc

    def close(self) -> None:
        """Release the compiled model."""
        self._compiled.release()


def _hints(device: str, *, soon: bool) -> dict[str, Any]:
    # At 1080p two streams of one thread each are 16 % faster than one stream of two threads (99
    # against 115 ms a frame on 2 cores). But a live stream waits for each answer: there one stream
    # of two threads took 65 ms a search instead of 108, and for one search in a hundred 180
    # instead of 281.
    hints: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY" if soon else "THROUGHPUT"}
    if device == "CPU":
        # Decoder and encoder use the same cores: a pinned thread waits for its own core while
        # another is free (191 ms against 88 for 512 × 640 beside one other busy thread).
        hints["ENABLE_CPU_PINNING"] = False
    return hints


class _Compiled:
    """A compiled model, with its idle requests for later use."""

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model
        self._outputs = [tuple(output.names) for output in model.outputs]
        self._idle: list[Any] = []
        self._given_up: list[tuple[Any, NDArray[np.uint8]]] = []

    def release(self) -> None:
        for request, _ in self._given_up:
            with suppress(RuntimeError):
                _awaited(request, _PATIENCE)
        self._given_up.clear()
        self._idle.clear()
        self._model = None

    def give_up(self, request: Any, batch: NDArray[np.uint8]) -> None:
        """Keep a request that nobody waits for any more, with its input, until it has ended.

        To drop a running request is to wait for its threads while holding Python's lock. Those
        threads may need the lock to release the picture.
        """
        self._given_up.append((request, batch))

    def _drop_what_is_over(self) -> None:
        self._given_up = [each for each in self._given_up if not _is_over(each[0])]

    def start(self, batch: NDArray[np.uint8]) -> Pending:
        self._drop_what_is_over()
        try:
            request = self._idle.pop() if self._idle else self._model.create_infer_request()
            request.set_input_tensor(ov.Tensor(batch, shared_memory=True))
            request.start_async()
        except RuntimeError as exc:
            raise DetectorError(f"{self._name}: {_brief(exc)}") from exc
        return Pending(self, request, batch)

    def is_ready(self, request: Any) -> bool:
        try:
            return bool(request.wait_for(0))
        except RuntimeError:
            return True  # wait() raises the error

    def outputs(self, request: Any, timeout: float) -> Outputs:
        try:
            if not _awaited(request, timeout):
                # The request is still busy, so it is not used again.
                raise DetectorTimeout(f"{self._name}: no answer within {timeout:g} s")
            found = {}
            for i, names in enumerate(self._outputs):
                output = np.array(request.get_output_tensor(i).data, np.float32)
                found.update(dict.fromkeys(names, output))
        except RuntimeError as exc:
            raise DetectorError(f"{self._name}: {_brief(exc)}") from exc
        if not all(np.isfinite(output).all() for output in found.values()):
            raise DetectorError(f"{self._name}: answered with numbers that are not finite")
        self._idle.append(request)
        return found


class Pending:
    """A batch under way. It holds the pictures, which the runtime still reads."""

    def __init__(self, compiled: _Compiled, request: Any, batch: NDArray[np.uint8]) -> None:
        """Made by :meth:`Network.start`."""
        self._compiled = compiled
        self._request = request
        self._batch = batch
        self._is_answered = False

    def __del__(self) -> None:
        """Keep a running request alive."""
        if not self._is_answered:
            self._compiled.give_up(self._request, self._batch)

    @property
    def is_ready(self) -> bool:
        """Whether the outputs are there."""
        return self._compiled.is_ready(self._request)

    def wait(self, timeout: float) -> Outputs:
        """Return the outputs, once; raises :class:`~blurcam.errors.DetectorError`."""
        outputs = self._compiled.outputs(self._request, timeout)
        self._is_answered = True
        return outputs


def _is_over(request: Any) -> bool:
    try:
        return bool(request.wait_for(0))
    except RuntimeError:
        return False  # not known


def _awaited(request: Any, timeout: float) -> bool:
    """Wait, and return whether the answer came; in short slices, since none can be interrupted."""
    left = timeout
    while left > _SLICE:
        if request.wait_for(int(_SLICE * 1000)):
            return True
        left -= _SLICE
    return bool(request.wait_for(int(left * 1000)))


def _padded(picture: Picture) -> Picture:
    """Return the picture, extended with black to the right and below to multiples of 32."""
    rows, columns = picture.shape[:2]
    down, right = -rows % 32, -columns % 32
    padded = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(padded, np.uint8)


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
