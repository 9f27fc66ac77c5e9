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
"""What a model says, by the names of its outputs (one may have several)."""

_SLICE = 0.1
# Seconds to wait at the end for a request that was given up.
_PATIENCE = 2.0


class Network:
    """A convolutional model that takes pictures of any size that is a multiple of 32."""

    def __init__(
        self, name: str, weights: bytes, device: str, *, takes_rgb: bool, soon: bool = False
    ) -> None:
        """Read the weights; ConfigError for a device that is not there, ModelError for others.

        It answers ``soon``, or else as many pictures a second as it can.
        """
        self.name = name
        self._device = device
        self._hints = _hints(device, soon=soon)
        self._takes_rgb = takes_rgb
        self._core = ov.Core()
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
        """Compile for pictures of any size: once (0.3 s), and 50 ms at the first of each size.

        Compiling for each size by itself took 0.3 to 0.5 s each, and its inference was no faster
        (256 ns a pixel against 240 to 290, 512 × 640, one core with AVX2).
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
        """Release what was compiled."""
        self._compiled.release()


def _hints(device: str, *, soon: bool) -> dict[str, Any]:
    # Two streams of one thread each give 16 % more than one stream of two at 1080p (99 against
    # 115 ms a frame on 2 cores). Of a live stream somebody waits for each answer: there one of
    # two threads took 65 ms a look in place of 108, and 180 in place of 281 for one in a hundred.
    hints: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY" if soon else "THROUGHPUT"}
    if device == "CPU":
        # Decoder and encoder want the same cores: a pinned thread waits for its own while another
        # is free (191 ms against 88 for 512 x 640 beside one other busy thread).
        hints["ENABLE_CPU_PINNING"] = False
    return hints


class _Compiled:
    """A compiled model, with its requests that wait to be used again."""

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
        """Keep a request that nobody waits for any more, and what it reads, until it is over.

        To drop one that is running is to wait for its threads with Python's lock in hand, which
        they may want to let go of the picture.
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
            return True  # waiting for it says what went wrong

    def outputs(self, request: Any, timeout: float) -> Outputs:
        try:
            if not _awaited(request, timeout):
                # The request stays busy: it is not used again.
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
    """A batch under way; it keeps the pictures alive that the runtime reads."""

    def __init__(self, compiled: _Compiled, request: Any, batch: NDArray[np.uint8]) -> None:
        """Made by :meth:`Network.start`."""
        self._compiled = compiled
        self._request = request
        self._batch = batch
        self._is_answered = False

    def __del__(self) -> None:
        """See to it that what runs is not dropped."""
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
        return False  # who knows


def _awaited(request: Any, timeout: float) -> bool:
    """Wait in short slices, since no signal is heard within one; whether the answer came."""
    left = timeout
    while left > _SLICE:
        if request.wait_for(int(_SLICE * 1000)):
            return True
        left -= _SLICE
    return bool(request.wait_for(int(left * 1000)))


def _padded(picture: Picture) -> Picture:
    """Return the picture with black to its right and below, up to multiples of 32."""
    rows, columns = picture.shape[:2]
    down, right = -rows % 32, -columns % 32
    padded = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(padded, np.uint8)


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
