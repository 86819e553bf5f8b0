"""Which copies the aliases stand for."""

from __future__ import annotations

from isomanager.model import Assurance, CopyState, Title
from isomanager.planning.aliasing import ALIASES, alias_reasons, aliased
from planning.test_update import copy


def in_channel(channel: str, title: Title) -> bool:
    return "beta" not in str(title.version) and (
        channel == "stable" or str(title.version).startswith(("24.04", "26.04"))
    )


def series_of(title: Title) -> tuple[object, ...]:
    return tuple(title.version.pieces[:2])


def told(*copies: object) -> dict[str, str]:
    chosen = aliased(copies, ALIASES, in_channel, series_of)  # type: ignore[arg-type]
    return {name: str(one.title.version) for (_, name), one in chosen.items()}


def test_each_alias_stands_for_what_its_name_says() -> None:
    copies = [copy(one) for one in ("24.04.3", "26.04", "26.04.1", "26.10", "26.10.1")]
    assert told(*copies) == {"latest": "26.10.1", "stable": "26.10.1", "lts": "26.04.1", "previous": "26.04.1"}


def test_nothing_unproved_is_one() -> None:
    suspect = copy("26.10", state=CopyState.SUSPECT)
    unknown = copy("26.10.1").model_copy(update={"assurance": Assurance.NONE})
    assert told(copy("26.04"), suspect, unknown) == {"latest": "26.04", "stable": "26.04", "lts": "26.04"}
    assert told(suspect) == {}


def test_the_newest_bytes_of_a_version_that_was_published_twice() -> None:
    old, new = copy("26.04", age=9), copy("26.04", spin="b", age=1)
    assert {one.id for one in aliased([new, old], ALIASES, in_channel, series_of).values()} == {new.id}


def test_every_alias_is_a_reason() -> None:
    one = copy("26.04")
    (reason,) = alias_reasons(aliased([one], ["latest", "lts"], in_channel, series_of))[one.id]
    assert reason.text == "the aliases latest and lts stand for it"
