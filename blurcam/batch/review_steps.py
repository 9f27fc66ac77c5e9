"""What reviewers did to a recording, for the ledger and the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One thing that a reviewer did: when, who, what and why.

    ``before`` and ``after`` are the SHA-256 of the redaction; the same where it was not drawn
    again.
    """

    at: str
    by: str
    what: str
    why: str
    before: str
    after: str

    def to_values(self) -> dict[str, str]:
        """Return it for JSON."""
        return asdict(self)
