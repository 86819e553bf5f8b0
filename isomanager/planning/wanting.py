"""What an update starts from: each subscription beside what upstream answered for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from isomanager.model import Copy, Expectation, Refusal, Subscription, Title
from isomanager.planning.verdicts import Reason
from isomanager.version import Version

Selects = Callable[[Subscription, Title], bool]
"""Whether a subscription's selector fits a title; built from the catalogue (default flavors, LTS rules)."""


@dataclass(frozen=True)
class ByHand:
    """An image that its vendor gives only to those who are signed in: how to get it, and the newest release if anybody lists it."""

    how: str
    newest: Version | None = None


@dataclass(frozen=True)
class Resolution:
    """What became of resolving one subscription for one architecture, language and edition: exactly one of the four.

    `note` is for the person who reads the plan; `accepted` says that a person believes the answer, even an older one.
    """

    expectation: Expectation | None = None
    refusal: Refusal | None = None
    error: str = ""
    error_code: str = ""
    note: str = ""
    accepted: bool = False
    by_hand: ByHand | None = None

    @property
    def title(self) -> Title | None:
        """The title upstream offers, refused or not."""
        judged = self.expectation or self.refusal
        return judged.offer.title if judged else None


@dataclass(frozen=True)
class Want:
    """A subscription and every answer upstream gave for it."""

    subscription: Subscription
    resolutions: tuple[Resolution, ...]

    @cached_property
    def name(self) -> str:
        """How the subscription is called: its selector, printed."""
        return str(self.subscription.selector)

    @cached_property
    def is_answered(self) -> bool:
        """Whether upstream answered, and nothing of it was refused: only then may an old version go."""
        return bool(self.resolutions) and all(one.expectation is not None for one in self.resolutions)

    @cached_property
    def current_titles(self) -> frozenset[str]:
        """The titles selected now, in their printed form."""
        return frozenset(str(one.title) for one in self.resolutions if one.expectation is not None)


Aliased = Callable[[Sequence[Copy]], Mapping[str, tuple[Reason, ...]]]
"""Why copies stay that aliases stand for, by id, given all that are held."""


def no_aliases(_copies: Sequence[Copy]) -> Mapping[str, tuple[Reason, ...]]:
    """Nothing stands for anything."""
    return {}


Unsupported = Callable[[Title], date | None]
"""The last day of a support that ended so long ago that a version may go for that; None otherwise."""


def supported_always(_title: Title) -> date | None:
    """Nobody minds."""
    return None


@dataclass(frozen=True)
class Guards:
    """What keeps a run from deleting too much. `listed` names the repositories whose listing succeeded and was not empty.

    The limits hold for each repository: copies, bytes (0: no limit), and share of the copies held there (0 to 1). `protected` says
    of copies, by id, why they stay whatever subscriptions say: pinned, held, in use. `aliased` says the same of what aliases stand
    for, given all copies of a scope in a repository; what it says of one scope does not depend on another.
    """

    max_deletes: int = 10
    max_delete_bytes: int = 0
    max_delete_share: float = 0.5
    frozen: bool = False
    listed: frozenset[str] = field(default_factory=frozenset)
    protected: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    aliased: Aliased = no_aliases
    unsupported: Unsupported = supported_always

    @property
    def are_ended(self) -> bool:
        """Whether anything may go because its support ended."""
        return self.unsupported is not supported_always


def same_bytes(copy: Copy, expectation: Expectation) -> bool:
    """Whether `copy` is proved to be what is expected: a required digest is known and equal, or, where upstream gives no
    digest, name, size and validators are those the copy was fetched with. Of an image that is packed upstream the evidence speaks
    of the packed bytes, which only the fingerprint still tells."""
    if expectation.offer.packing is not None:
        return bool(copy.fingerprint) and copy.fingerprint == expectation.fingerprint
    known = [
        copy.digests.get(algorithm) == digest
        for algorithm, digest in expectation.digests.items()
        if algorithm in copy.digests
    ]
    if expectation.digests:
        return bool(known) and all(known)
    same_name = copy.filename in ("", expectation.offer.filename)
    return same_name and bool(copy.fingerprint) and copy.fingerprint == expectation.fingerprint


Scope = tuple[str, str, str, str, str]


def scope(title: Title) -> Scope:
    """What versions compete in: everything of a title but its version."""
    return title.product, title.flavor, title.architecture, title.language, title.edition


Reaches = Callable[[Subscription, Scope], bool]
"""Whether a subscription's selector may fit titles of that scope, whatever their version; where it says no, `Selects` does too."""


def anywhere(_subscription: Subscription, _scope: Scope) -> bool:
    """Nobody knows better."""
    return True
