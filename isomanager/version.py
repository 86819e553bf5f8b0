"""Versions of any length with one total order, and the rule a person writes to select among them.

The order, from the forms upstreams really use: numbers count as numbers (24.04 < 24.10, 9.9 < 9.10), a longer version follows
its own prefix (13 < 13.5.0, 24.04.5 < 24.04.5.1), pre-release words precede the release they announce (14.0-RC4 < 14.0,
45 Beta < 45), other letters follow it (2026.2 < 2026.2a, 24H2 < 25H2). Spelling never decides: 04.10 equals 4.10.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, total_ordering
from typing import Literal

from isomanager.errors import UsageError

LATEST: Literal["latest"] = "latest"

_TOKEN = re.compile(r"\d+|[A-Za-z]+")
# how far each word is from the release it announces
_PRE_RELEASE = {
    "dev": 0, "snapshot": 1, "daily": 1, "nightly": 1, "a": 2, "alpha": 2, "milestone": 3, "preview": 3, "pre": 3,
    "prerelease": 3, "b": 4, "beta": 4, "rc": 5,
}  # fmt: skip
_AMBIGUOUS = {"a", "b"}  # a pre-release only with a number right behind it (b2); otherwise a respin letter (2026.2a)
_ANNOUNCES_NOTHING = {"release", "final", "ga", "v", "r"}

_END = (0, 0, "")
Token = tuple[int, int, str]

_ANY = frozenset({LATEST, "x", "*"})
"""What people write for a part of a version that may be any: 24.latest, 24.x, 24.*."""
_LONG_TERM = re.compile(r"(?i)(?<=\d)[-_ ]?lts$")
_NO_RULE = re.compile(r"[<>!^|,;=@~]+")

_SORTED_END = "1"
_AFTER_ALL = "~"
"""Sorts after every character that a sorted text is made of."""


def _sorted(token: Token) -> str:
    """A token as text that sorts as tokens do, and ends itself: kinds in their order, numbers with their length in front."""
    kind, number, word = token
    if kind < 0:
        return f"0{number}"
    return f"2{word} " if kind == 1 else f"3{len(str(number)):03}{number}"


@lru_cache(maxsize=16384)  # a library has few spellings, and many copies of each
def _tokens(text: str) -> tuple[Token, ...]:
    words = list(_TOKEN.finditer(text))
    found: list[Token] = []
    for place, match in enumerate(words):
        word, lowered = match[0], match[0].lower()
        following = words[place + 1] if place + 1 < len(words) else None
        numbered = following is not None and following[0].isdigit() and following.start() == match.end()
        if word.isdigit():
            found.append((2, int(word), ""))
        elif lowered in _PRE_RELEASE and (lowered not in _AMBIGUOUS or (numbered and place > 0)):
            found.append((-1, _PRE_RELEASE[lowered], ""))
        elif lowered not in _ANNOUNCES_NOTHING:
            found.append((1, 0, lowered))
    return tuple(found)


def _part(text: str) -> int | str:
    return int(text) if text.isdigit() else text


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version as upstream spells it. `epoch` sorts before everything else (openSUSE 42.3 is older than 15.0: epoch -1)."""

    text: str
    epoch: int = 0

    def __post_init__(self) -> None:
        if not _TOKEN.search(self.text):
            raise UsageError(f"'{self.text}' is not a version: it has neither a number nor a word")

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """What is compared: numbers, pre-release words, other words."""
        return _tokens(self.text)

    @cached_property
    def _key(self) -> tuple[int, tuple[Token, ...]]:
        return self.epoch, (*self.tokens, _END)

    @cached_property
    def sort_text(self) -> str:
        """A text whose byte order is the order of versions within one epoch, so that a database can sort and compare them."""
        return self._sorted_prefix + _SORTED_END

    @property
    def series_span(self) -> tuple[str, str]:
        """From which sort text on, and before which one, the versions of this one's series lie: 24.04 with all of 24.04.x."""
        return self._sorted_prefix, self._sorted_prefix + _AFTER_ALL

    @cached_property
    def _sorted_prefix(self) -> str:
        return "".join(map(_sorted, self.tokens))

    @property
    def pieces(self) -> tuple[str, ...]:
        """What stands between dots, dashes, underscores and blanks, as upstream spells it: 24.04.3 is ("24", "04", "3")."""
        return tuple(piece for piece in re.split(r"[.\-_\s]+", self.text) if piece)

    @property
    def parts(self) -> tuple[int | str, ...]:
        """The pieces, numeric where numeric: 24.04.3 is (24, 4, 3)."""
        return tuple(map(_part, self.pieces))

    @property
    def major(self) -> int | str | None:
        """The first part."""
        return self.parts[0] if self.parts else None

    @property
    def minor(self) -> int | str | None:
        """The second part, if there is one."""
        return self.parts[1] if len(self.parts) > 1 else None

    @property
    def patch(self) -> int | str | None:
        """The third part, if there is one."""
        return self.parts[2] if len(self.parts) > 2 else None

    @property
    def is_pre_release(self) -> bool:
        """Whether a word such as rc, beta or alpha says that the release is still to come."""
        return any(kind == -1 for kind, _, _ in self.tokens)

    def starts_with(self, prefix: Version) -> bool:
        """Whether this version lies in the series `prefix`: 24.04.3 lies in 24.04 and in 24, not in 24.10 or 24.0."""
        return self.tokens[: len(prefix.tokens)] == prefix.tokens

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key == other._key

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return self.text


RulePart = str
"""`latest`, or the exact part as upstream spells it."""


@dataclass(frozen=True)
class VersionRule:
    """Which versions a person accepts: an exact beginning, and `latest` for everything right of it.

    `exact` is that beginning ("" for latest of all, "24", "24.04", "24.04.3", "14.0-RC4"). `whole` says that nothing may
    follow it, which is so once major, minor and patch are all exact.
    """

    exact: str = ""
    whole: bool = False

    @classmethod
    def from_parts(cls, major: RulePart = LATEST, minor: RulePart = LATEST, patch: RulePart = LATEST) -> VersionRule:
        """The rule for three form fields, each exact or `latest`; latest is valid only from right to left.

        Raises UsageError with the sentence a person should read.
        """
        return cls._checked([piece.strip() or LATEST for piece in (major, minor, patch)])

    @classmethod
    def parse(cls, text: str) -> VersionRule:
        """The rule written in a selector: `latest`, `24`, `24.latest`, `24.x`, `24.04`, `24.04.3`, `24.04 LTS`, `14.0-RC4`, `=20`
        (just that).

        Raises UsageError for what is no rule: a range, a list, a part right of a latest one that is exact.
        """
        text = text.strip()
        if text.startswith("="):
            return cls(Version(text[1:].strip()).text, whole=True)
        text = _LONG_TERM.sub("", text)
        if found := _NO_RULE.search(text):
            raise UsageError(
                f"'{text}' is no version rule: '{found[0]}' is not understood.",
                hint="Write a version, or its beginning (24.04 accepts every 24.04.x), latest, =20 for just that, or a channel.",
            )
        pieces = text.split(".")
        if any(piece.lower() in _ANY for piece in pieces):
            return cls._checked([LATEST if piece.lower() in _ANY else piece for piece in pieces])
        if not text:
            return cls()
        return cls(Version(text).text, whole=len(Version(text).parts) > 2)

    @classmethod
    def _checked(cls, pieces: Sequence[str]) -> VersionRule:
        names = ["major", "minor", "patch", *[f"part {place}" for place in range(4, len(pieces) + 1)]]
        for place, piece in enumerate(pieces):
            later = [spot for spot in range(place + 1, len(pieces)) if pieces[spot] != LATEST]
            if piece == LATEST and later:
                told = " and ".join(f"{names[spot]} '{pieces[spot]}'" for spot in later)
                raise UsageError(
                    f"latest {names[place]} forbids an exact {told}: once a part is latest, every part right of it must be "
                    f"latest too. Give an exact {names[place]}, or leave {names[later[0]]} latest."
                )
        exact = [piece for piece in pieces if piece != LATEST]
        text = ".".join(exact)
        return cls(Version(text).text if text else "", whole=len(exact) > 2)

    @property
    def wants_pre_release(self) -> bool:
        """Whether the exact beginning itself names a pre-release, such as 14.0-RC4."""
        return bool(self.exact) and Version(self.exact).is_pre_release

    def accepts(self, version: Version) -> bool:
        """Whether `version` fits, pre-releases aside: equal to a whole rule, or in the series of an open one."""
        if not self.exact:
            return True
        wanted = Version(self.exact)
        return version.tokens == wanted.tokens if self.whole else version.starts_with(wanted)

    def __str__(self) -> str:
        if not self.exact:
            return LATEST
        return f"={self.exact}" if self.whole and len(Version(self.exact).parts) < 3 else self.exact
