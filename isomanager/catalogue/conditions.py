"""When an entry of a product file applies: by version, channel, flavor and architecture."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, field_validator

from isomanager.model import Value
from isomanager.version import Version, VersionRule

_CLAUSE = re.compile(r"(>=|<=|==|<|>)?\s*(\S+)")


def one_or_many(given: Any) -> Any:
    """A single text as a list of one."""
    return (given,) if isinstance(given, str) else given


Texts = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]
"""One text or a list of them."""


class When(Value):
    """For which selectors an entry is considered. An empty field asks for nothing; `"!iot"` means every one but iot.

    `version` is a comma-separated list of clauses such as `>=42`, `<20.04`; a selector without a version is newer than any.
    """

    version: str = ""
    channel: Texts = ()
    flavor: Texts = ()
    architecture: Texts = ()

    @field_validator("version")
    @classmethod
    def _readable(cls, text: str) -> str:
        for clause in clauses(text):
            Version(clause[1])
        return text

    def fits(self, *, rule: VersionRule, channel: str, flavor: str, architecture: str) -> bool:
        """Whether the entry may answer such a selector; when only the version found can tell, it may."""
        return (
            _among(channel, self.channel)
            and _among(flavor, self.flavor)
            and _among(architecture, self.architecture)
            and all(_may_hold(operator, Version(bound), rule) for operator, bound in clauses(self.version))
        )

    def accepts(self, version: Version) -> bool:
        """Whether a version that was found fulfils every clause."""
        return all(_holds(version, operator, Version(bound)) for operator, bound in clauses(self.version))


def _among(value: str, allowed: tuple[str, ...]) -> bool:
    excluded = [one[1:] for one in allowed if one.startswith("!")]
    return value not in excluded and (len(excluded) == len(allowed) or value in allowed)


def clauses(text: str) -> list[tuple[str, str]]:
    """Operator and version of each clause; a clause without an operator means the version's whole series (`==`)."""
    found = [_CLAUSE.fullmatch(piece.strip()) for piece in text.split(",") if piece.strip()]
    return [(clause[1] or "==", clause[2]) for clause in found if clause]


def _holds(version: Version, operator: str, bound: Version) -> bool:
    if operator == "==":
        return version.starts_with(bound)
    if operator in (">=", ">"):
        return version > bound or (operator == ">=" and version == bound)
    return version < bound or (operator == "<=" and version.starts_with(bound))


def _may_hold(operator: str, bound: Version, rule: VersionRule) -> bool:
    if not rule.exact:
        return operator in (">=", ">")
    wanted = Version(rule.exact)
    return _holds(wanted, operator, bound) or (not rule.whole and bound.starts_with(wanted))
