"""A reader of the bits in a coded frame's header."""

from __future__ import annotations


class BitReader:
    """Reads a payload of H.264 or MPEG-4 bit by bit; raises EOFError after its end."""

    def __init__(self, data: bytes) -> None:
        """Begin with the first bit."""
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """Return the next Exp-Golomb number (ITU-T H.264, 9.1)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise EOFError
        return (1 << zeros) - 1 + self.bits(zeros)
