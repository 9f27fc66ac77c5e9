"""Inference through OpenVINO: the only importer of its runtime."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor

from blurcam.errors import ConfigError, DetectorError, DetectorTimeout, ModelError
from blurcam.views import Picture

Outputs = dict[str, NDArray[np.float32]]
"""What a model says, by the names of its outputs (one may have several)."""

# Shapes that stay compiled: a whole view, its tiles, and one more of each. A compilation takes
# 0.2 s and 30 MB.
_SHAPES_KEPT = 16


class Network:
    """A convolutional model that takes pictures of any size that is a multiple of 32."""

    def __init__(self, name: str, weights: bytes, device: str, *, takes_rgb: bool) -> None:
        """Read the weights; ConfigError for a device that is not there, ModelError for others."""
        self.name = name
        self._device = device
        self._takes_rgb = takes_rgb
        self._core = ov.Core()
        self._weights = weights
        self._compiled: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()
        self._refuse_absent(device)

    def _refuse_absent(self, device: str) -> None:
        there = self._core.available_devices
        names = {each.split(".")[0] for each in there} | {"AUTO"}
        if device.split(":")[0].split(".")[0] not in names:
            raise ConfigError(
                f'device: OpenVINO sees no "{device}" here; it sees {", ".join(there)}'
            )

    def start(self, pictures: Sequence[Picture]) -> Pending:
        """Begin to run the model on pictures of one size; they are padded, never scaled."""
        batch = np.stack([_padded(picture) for picture in pictures])
        return self._for_shape(batch.shape).start(batch)

    def _for_shape(self, shape: tuple[int, ...]) -> _Compiled:
        if shape not in self._compiled:
            self._compiled[shape] = self._compile(shape)
            if len(self._compiled) > _SHAPES_KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(shape)
        return self._compiled[shape]

    def _compile(self, shape: tuple[int, ...]) -> _Compiled:
        count, rows, columns, channels = shape
        try:
            model = self._core.read_model(self._weights)
            model.reshape({model.inputs[0]: [count, channels, rows, columns]})
            steps = PrePostProcessor(model)
            tensor = steps.input().tensor()
            tensor.set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
            tensor.set_color_format(ColorFormat.BGR)
            if self._takes_rgb:
                steps.input().preprocess().convert_color(ColorFormat.RGB)
            steps.input().preprocess().convert_element_type(ov.Type.f32)
            steps.input().model().set_layout(ov.Layout("NCHW"))
            # Two streams of one thread each give 16 % more than one stream of two at 1080p
            # (99 against 115 ms a frame on 2 cores): the look-ahead hides the longer latency.
            hint = {"PERFORMANCE_HINT": "THROUGHPUT"}
            compiled = self._core.compile_model(steps.build(), self._device, hint)
        except RuntimeError as exc:
            raise ModelError(
                f"{self.name}: OpenVINO cannot run it on {self._device}: {_brief(exc)}"
            ) from exc
        return _Compiled(self.name, compiled)

    def close(self) -> None:
        """Release what was compiled."""
        self._compiled.clear()


class _Compiled:
    """A model for one shape of batch, with its requests that wait to be used again."""

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model
        self._outputs = [tuple(output.names) for output in model.outputs]
        self._idle: list[Any] = []

    def start(self, batch: NDArray[np.uint8]) -> Pending:
        try:
            request = self._idle.pop() if self._idle else self._model.create_infer_request()
            request.set_input_tensor(ov.Tensor(batch, shared_memory=True))
            request.start_async()
        except RuntimeError as exc:
            raise DetectorError(f"{self._name}: {_brief(exc)}") from exc
        return Pending(self, request, batch)

    def outputs(self, request: Any, timeout: float) -> Outputs:
        try:
            if not request.wait_for(int(timeout * 1000)):
                # The request stays busy: it is not used again.
                raise DetectorTimeout(f"{self._name}: no answer within {timeout:g} s")
            found = {}
            for i, names in enumerate(self._outputs):
                output = np.array(request.get_output_tensor(i).data, np.float32)
                found.update(dict.fromkeys(names, output))
        except RuntimeError as exc:
            raise DetectorError(f"{self._name}: {_brief(exc)}") from exc
        self._idle.append(request)
        if not all(np.isfinite(output).all() for output in found.values()):
            raise DetectorError(f"{self._name}: answered with numbers that are not finite")
        return found


class Pending:
    """A batch under way; it keeps the pictures alive that the runtime reads."""

    def __init__(self, compiled: _Compiled, request: Any, batch: NDArray[np.uint8]) -> None:
        """Made by :meth:`Network.start`."""
        self._compiled = compiled
        self._request = request
        self._batch = batch

    def wait(self, timeout: float) -> Outputs:
        """Return the outputs, once; raises :class:`~blurcam.errors.DetectorError`."""
        return self._compiled.outputs(self._request, timeout)


def _padded(picture: Picture) -> Picture:
    """Return the picture with black to its right and below, up to multiples of 32."""
    rows, columns = picture.shape[:2]
    down, right = -rows % 32, -columns % 32
    padded = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(padded, np.uint8)


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
