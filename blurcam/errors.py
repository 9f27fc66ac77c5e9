"""Everything that blurcam raises on purpose.

    BlurcamError
    ├── ConfigError         a bad option or file; names the key
    ├── SourceError
    │   ├── SourceOpenError
    │   │   └── SourceRefused  the camera wants another user name or password
    │   ├── SourceReadError
    │   └── SourceTimeout
    ├── DetectorError       one frame could not be searched: cover it all
    │   └── DetectorTimeout the detector stayed silent
    ├── ModelError          weights missing, or not the pinned ones
    ├── JobError            a batch job cannot run or go on
    └── SinkError
        ├── SinkOpenError
        ├── SinkWriteError
        └── SinkClosed      the reader went away

Every message is one line that says what happened, to which thing, and what to do about it.
"""


class BlurcamError(Exception):
    """Base of every error that blurcam raises on purpose."""


class ConfigError(BlurcamError):
    """An option, a key or a file of settings is wrong; the message names it."""


class SourceError(BlurcamError):
    """Something is wrong with what blurcam reads."""


class SourceOpenError(SourceError):
    """The source could not be opened, or holds no video."""


class SourceRefused(SourceOpenError):
    """The camera knows the user name or the password not, or does not allow it (401, 403)."""


class SourceReadError(SourceError):
    """The source opened, and failed before its end."""


class SourceTimeout(SourceError):
    """The source stayed silent longer than it may."""


class DetectorError(BlurcamError):
    """One frame could not be searched for faces, so nothing is known about it."""


class DetectorTimeout(DetectorError):
    """The detector did not answer in time."""


class ModelError(BlurcamError):
    """A model file is missing, or is not the pinned one."""


class JobError(BlurcamError):
    """A batch job cannot run or go on: its folder is in use, damaged, or its disk is full."""


class SinkError(BlurcamError):
    """Something is wrong with what blurcam writes."""


class SinkOpenError(SinkError):
    """The output could not be opened."""


class SinkWriteError(SinkError):
    """The output opened, and a later write failed."""


class SinkClosed(SinkError):
    """The reader of the output went away."""
