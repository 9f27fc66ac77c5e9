"""Everything that blurcam raises on purpose.

    BlurcamError
    ├── ConfigError         a bad option or settings file; the message names the key
    ├── SourceError
    │   ├── SourceOpenError
    │   │   └── SourceRefused  the camera rejected the credentials or the access
    │   ├── SourceReadError
    │   └── SourceTimeout
    ├── DetectorError       one frame could not be searched: it must be fully covered
    │   └── DetectorTimeout the detector did not answer in time
    ├── ModelError          weights are missing, or are not the pinned ones
    ├── JobError            a batch job cannot start or continue
    └── SinkError
        ├── SinkOpenError
        ├── SinkWriteError
        └── SinkClosed      the program that read the output has closed it

Every message is one line: what happened, to which thing, and what to do about it.
"""


class BlurcamError(Exception):
    """Base of every error that blurcam raises on purpose."""


class ConfigError(BlurcamError):
    """An option, a key or a settings file is wrong; the message names it."""


class SourceError(BlurcamError):
    """The input cannot be read."""


class SourceOpenError(SourceError):
    """The source could not be opened, or contains no video."""


class SourceRefused(SourceOpenError):
    """The camera rejected the credentials (401) or the access (403)."""


class SourceReadError(SourceError):
    """The source was opened, and failed before its end."""


class SourceTimeout(SourceError):
    """The source sent nothing for longer than it may."""


class DetectorError(BlurcamError):
    """One frame could not be searched, so its faces are unknown."""


class DetectorTimeout(DetectorError):
    """The detector did not answer in time."""


class ModelError(BlurcamError):
    """A model file is missing, or is not the pinned one."""


class JobError(BlurcamError):
    """A job cannot start or continue: its folder is in use or damaged, or its disk is full."""


class SinkError(BlurcamError):
    """The output cannot be written."""


class SinkOpenError(SinkError):
    """The output could not be opened."""


class SinkWriteError(SinkError):
    """The output was opened, and a later write failed."""


class SinkClosed(SinkError):
    """The program that read the output has closed it."""
