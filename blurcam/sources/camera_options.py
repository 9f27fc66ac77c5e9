"""FFmpeg's options for a camera: time limits, buffers, and what FFmpeg may open."""

from __future__ import annotations

from typing import Final

from blurcam.settings.addresses import Address
from blurcam.settings.camera import Receive
from blurcam.sources.open import ONE_FILE

_MICROSECONDS: Final = 1_000_000
# A camera's playlist may name only these protocols: no file of this machine, no other service.
_HTTP: Final = "http,https,httpproxy,tls,tcp,crypto,data"


def camera_options(address: Address, receive: Receive, *, by_udp: bool) -> dict[str, str]:
    """Return FFmpeg's options for a camera: how long to wait for it, and what it may open."""
    timeout = str(round(receive.stall * _MICROSECONDS))
    match address.kind:
        case "rtsp":
            options = {
                # FFmpeg tries the first, and the other if the camera refuses that.
                "rtsp_transport": "udp+tcp",
                "rtsp_flags": "0" if by_udp else "prefer_tcp",
                "allowed_media_types": "video",
                "timeout": timeout,
                "fpsprobesize": "0",
                # FFmpeg notices lost packets only if it checks their order, over TCP, too.
                "reorder_queue_size": "16",
            }
            if by_udp:
                options |= {"buffer_size": "4194304", "max_delay": "200000"}
            return options
        case "http":
            options = {"rw_timeout": timeout, "fpsprobesize": "0", "protocol_whitelist": _HTTP}
            if ".m3u8" in address.location.lower():
                return options | {"live_start_index": "-2"}
            # Otherwise a camera could make blurcam send requests to other hosts of its network.
            options |= {"format_whitelist": ONE_FILE["format_whitelist"], "max_redirects": "0"}
            return options | {"use_wallclock_as_timestamps": "1", "probesize": "500000"}
        case "packets":
            return {"timeout": timeout, "fpsprobesize": "0"}
        case "device":
            return {}
        case "file":
            return dict(ONE_FILE)
