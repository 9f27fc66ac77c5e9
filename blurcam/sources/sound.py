"""The sound of a recording, on the clock of its frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final, cast

from av.container import InputContainer
from av.stream import Disposition

from blurcam.media.timelines import Timeline
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.addresses import Address
from blurcam.sources.http_file import HttpFile
from blurcam.sources.open import open_file, open_path, reading

# A clock that steps back by at least this much was set.
_FAR_SECONDS: Final = Fraction(1, 2)
# If the clock of the frames was set, the clock of the sound was set, too, to about the same time.
_NEAR_SECONDS: Final = 10


class SoundTrack:
    """The sound of a recording, read on its own; the sink copies it or encodes it anew.

    Its packets have the times of the output: the corrections of the frames' clock (its start, and
    where it was set back) apply to them, too. What an edit list hides is left out.
    """

    def __init__(
        self, name: str, container: InputContainer, stream: Any, timeline: Timeline, base: Fraction
    ) -> None:
        """Use :func:`open_sound`; ``timeline`` counts in ``base`` and may still grow."""
        self.name = name
        self.stream = stream
        self._container = container
        self._timeline = timeline
        self._base = base
        self._packets = self._demuxed()
        self._next: Any = next(self._packets, None)
        self._epoch = 0
        self._delay = Fraction(0)
        self._heard: Fraction | None = None  # the time of the last packet by the input's clock
        self._last: int | None = None
        self._end = Fraction(-1 << 40)

    def _demuxed(self) -> Iterator[Any]:
        with reading(f"{self.name}: its sound cannot be read"):
            for packet in self._container.demux(self.stream):
                if packet.dts is not None and not packet.is_discard:
                    yield packet

    @property
    def start(self) -> Fraction | None:
        """When the first sample is heard, in seconds of the output; ``None`` for no sound."""
        packet = self._next
        if packet is None:
            return None
        shown = packet.dts if packet.pts is None else packet.pts
        heard = shown * packet.time_base + _skipped(packet, self.stream.rate)
        return Fraction(heard + self._offset(0))

    def delay(self, seconds: Fraction) -> None:
        """Delay all sound by this much."""
        self._delay += seconds

    def until(self, time: Fraction | None) -> Iterator[Any]:
        """Yield the packets that are due before ``time``; ``None``: all that are left."""
        while self._next is not None:
            packet = self._next
            due = self._due(packet, is_last=time is None)
            if due is None or (time is not None and due > time):
                return
            self._next = next(self._packets, None)
            if self._placed(packet, due):
                yield packet

    def _offset(self, epoch: int) -> Fraction:
        return self._timeline.epochs[epoch].offset * self._base + self._delay

    def _due(self, packet: Any, *, is_last: bool) -> Fraction | None:
        """Return when a packet is due, ``None`` while the frames have not come that far."""
        given = packet.dts * packet.time_base
        if self._heard is not None and given < self._heard - _FAR_SECONDS:
            epoch = self._epoch_at(given)
            if epoch is None:
                # Only the sound's clock was set: it goes on where it was.
                return self._end if is_last else None
            self._epoch, self._heard, self._last = epoch, given, None
        return Fraction(given + self._offset(self._epoch))

    def _epoch_at(self, given: Fraction) -> int | None:
        """Return the frames' epoch that begins at about the time to which the clock was set."""
        epochs = self._timeline.epochs
        for number in range(self._epoch + 1, len(epochs)):
            if abs(epochs[number].since * self._base - given) < _NEAR_SECONDS:
                return number
        return None

    def _placed(self, packet: Any, due: Fraction) -> bool:
        """Give a packet its times in the output; false if that time has sound already."""
        base = packet.time_base
        shift = round((due - packet.dts * base) / base)
        self._heard = max(packet.dts * base, self._heard or packet.dts * base)
        lasts = (packet.duration or 0) * base
        if due < self._end - lasts / 2 and self._last is None:
            return False  # the sound before a seam was longer than its frames
        packet.dts += shift
        if packet.pts is not None:
            packet.pts += shift
        if self._last is not None and packet.dts <= self._last:
            packet.dts = packet.pts = self._last + 1
        self._last = packet.dts
        self._end = packet.dts * base + lasts
        return True

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._container.close()


def _skipped(packet: Any, rate: int) -> Fraction:
    """Return how much of the start of a packet is not heard: the encoder's delay."""
    if not packet.has_sidedata("skip_samples"):
        return Fraction(0)
    data = bytes(packet.get_sidedata("skip_samples"))
    (samples,) = struct.unpack_from("<I", data)
    return Fraction(samples, rate)


def open_sound(
    place: Path | Address, timeline: Timeline, base: Fraction, counts: FrameCounts
) -> SoundTrack | None:
    """Return the recording's default sound track, else its first; ``None`` if it has none."""
    if isinstance(place, Path):
        container = open_path(place)
    else:
        container = open_file(cast(IO[bytes], HttpFile(place)), str(place))
    audio: list[Any] = list(container.streams.audio)
    tracks = [each for each in audio if each.codec_context is not None]
    if not tracks:
        container.close()
        return None
    chosen = next((each for each in tracks if each.disposition & Disposition.default), tracks[0])
    if len(tracks) > 1:
        number = tracks.index(chosen) + 1
        counts.notice(f"{place}: sound track {number} of {len(tracks)} is used")
    return SoundTrack(str(place), container, chosen, timeline, base)
