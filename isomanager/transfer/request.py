"""What is to be fetched, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isomanager.model import Digests
from isomanager.transfer.contacts import Contact
from isomanager.transfer.policy import FetchPolicy


@dataclass(frozen=True)
class Request:
    """What to fetch: the addresses in order of preference, the final path, the key of its partial, and what is expected.

    `expected` are digests that the evidence demands: a partial begun for other digests is not resumed. `policies` are those of
    addresses whose source allows something else than `policy`.
    """

    urls: tuple[str, ...]
    final: str
    key: str
    size: int | None = None
    algorithms: tuple[str, ...] = ("sha256",)
    expected: Digests = field(default_factory=dict)
    policy: FetchPolicy = field(default_factory=FetchPolicy)
    policies: Mapping[str, FetchPolicy] = field(default_factory=dict)

    def contacts(self) -> list[Contact]:
        """The addresses, nobody asked yet."""
        return [Contact(url, self.policies.get(url, self.policy)) for url in dict.fromkeys(self.urls)]
