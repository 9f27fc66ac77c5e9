"""A small real RTSP server, in the test's own process, that can be told to misbehave.

It plays looped H.264 and H.265 clips as cameras do (RTP over TCP and UDP, sender reports with the
wall clock, Basic and Digest), takes in published streams and plays them back, and has the faults
that cameras and networks have. It stands on asyncio and PyAV alone, and shares no code with
blurcam.
"""

from tests.support.fakecam.clip import Clip
from tests.support.fakecam.faults import Fault
from tests.support.fakecam.server import FakeCam

__all__ = ["Clip", "FakeCam", "Fault"]
