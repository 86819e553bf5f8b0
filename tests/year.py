"""A year of releases, simulated: `python tests/year.py [--days 365] [--step 1]`.

Five vendors release, re-spin, announce betas and reach an end of life; one of them is broken for a month. The library is updated on
every day. Printed are the days on which something happened, and in the end what the library holds, and why.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain_update import update
from isomanager.library.answering_why import why
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, CopyState, Keep, Outcome, OutcomeKind, Selector
from isomanager.sample.faults import FaultKind
from isomanager.sample.releases import MIB, Release
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from isomanager.version import Version

START = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0)
"""The year begins today: what the vendors sign, they sign now, and a signature from days ahead counts for nothing."""
EOL = ("24.04", f"{START + timedelta(days=94):%Y-%m-%d}")
"""Orchard's older long-term series ends on this day of the year."""
BROKEN = range(150, 181)
"""The month in which beacon's pages are a maintenance notice."""
SUBSCRIPTIONS: tuple[tuple[str, dict[str, object]], ...] = (
    ("sample-orchard/server@lts", {"keep": Keep(last=2)}),
    ("sample-orchard/server@24.04", {}),
    ("sample-orchard/desktop", {}),
    ("sample-orchard/server@preview", {}),
    ("sample-granite/server", {"keep": Keep(last=1, days=60)}),
    ("sample-beacon", {}),
    ("sample-lantern", {"keep": Keep(last=3)}),
    ("sample-driftwood", {"old": "keep"}),
)

Event = Callable[[SampleUpstream, Library], str]


def _releases(vendor: str) -> Event:
    def happen(upstream: SampleUpstream, _library: Library) -> str:
        released = sorted({one.version for one in upstream.publish(vendor)})
        return f"{vendor} releases {', '.join(released)}"

    return happen


def _respins(upstream: SampleUpstream, _library: Library) -> str:
    newest = max(
        (one.release for one in upstream.site.state.of("orchard") if one.release.folder == "orchard/26.04"),
        key=lambda one: (Version(one.version), one.flavor),
    )
    upstream.respin(newest.path)
    return f"orchard builds {newest.name} again"


def _announces(upstream: SampleUpstream, _library: Library) -> str:
    path = "orchard/28.04/orchard-28.04-beta-live-server-amd64.iso"
    upstream.site.publish_release(Release("orchard", "28.04-beta", "live-server", path, START, MIB))
    return "orchard announces 28.04-beta"


def _breaks(upstream: SampleUpstream, _library: Library) -> str:
    upstream.fault(FaultKind.HTML, "/beacon/*")
    return "beacon shows a maintenance page in place of everything"


def _is_mended(upstream: SampleUpstream, _library: Library) -> str:
    upstream.clear_faults()
    return "beacon is back"


def _ends(_upstream: SampleUpstream, library: Library) -> str:
    (ending,) = library.catalogue.product("sample-orchard").lifecycle
    return f"orchard {ending.version} reaches its end of life"


def _happenings() -> dict[int, list[Event]]:
    """What happens on which day of the year."""
    days: dict[int, list[Event]] = {}
    regular = {
        "lantern": (20, 30),
        "orchard": (60, 91),
        "beacon": (45, 60),
        "granite": (100, 180),
        "driftwood": (80, 120),
    }
    for vendor, (first, every) in regular.items():
        for day in range(first, 366, every):
            days.setdefault(day, []).append(_releases(vendor))
    single: Mapping[int, Event] = {
        75: _respins,
        120: _announces,
        BROKEN.start: _breaks,
        BROKEN.stop: _is_mended,
        (datetime.fromisoformat(EOL[1]).replace(tzinfo=UTC) - START).days + 1: _ends,
    }
    for day, event in single.items():
        days.setdefault(day, []).insert(0, event)
    return days


@dataclass
class Year:
    """What happened, and what there is in the end."""

    told: list[str] = field(default_factory=list)
    held: tuple[Copy, ...] = ()
    why: list[str] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)
    failed_days: dict[str, int] = field(default_factory=dict)


class Calendar:
    """The day of the simulation."""

    def __init__(self) -> None:
        self.day = 0

    def __call__(self) -> datetime:
        return START + timedelta(days=self.day)


def simulate(upstream: SampleUpstream, *, days: int = 365, step: int = 1, say: Callable[[str], None] = print) -> Year:
    """Let `days` pass, updating the library every `step` of them."""
    year, calendar, happenings = Year(), Calendar(), _happenings()
    product = upstream.catalogue_folder / "sample-orchard.toml"
    product.write_text(product.read_text() + f'\n[[lifecycle]]\nversion = "{EOL[0]}"\neol = "{EOL[1]}"\n')

    def tell(text: str) -> None:
        year.told.append(f"{calendar():%Y-%m-%d}  {text}")
        say(year.told[-1])

    with Library(load_settings(), clock=calendar) as library:
        for text, terms in SUBSCRIPTIONS:
            subscribe(library, Selector.parse(text), floor=Assurance.MIRROR, **terms)  # type: ignore[arg-type]
        for day in range(days + 1):
            calendar.day = day
            for event in happenings.get(day, ()):
                tell(event(upstream, library))
            if day % step == 0:
                outcomes = update(library)
                _note(year, library, outcomes, tell)
        _close(year, library)
    return year


def _note(year: Year, library: Library, outcomes: Sequence[Outcome], tell: Callable[[str], None]) -> None:
    for one in outcomes:
        if one.outcome in (OutcomeKind.PUBLISHED, OutcomeKind.RETIRED):
            tell(f"  {one.outcome} {one.title}: {one.reason}")
        elif one.is_bad:
            name = str(one.selector or one.title)
            if name not in year.failed_days:
                tell(f"  {one.outcome} {name}: {one.reason}")
            year.failed_days[name] = year.failed_days.get(name, 0) + 1
    year.unserved += [f"{library.now():%Y-%m-%d} {name}" for name in _unserved(library)]


def _unserved(library: Library) -> Iterator[str]:
    """The subscriptions of which nothing proved is held."""
    held = library.inventory.copies(states={CopyState.HELD})
    for one in library.inventory.subscriptions():
        if not any(library.selects(one, copy.title) for copy in held):
            yield str(one.selector)


def _close(year: Year, library: Library) -> None:
    year.held = library.inventory.copies(states={CopyState.HELD})
    ended = {one.version: one.eol for one in library.catalogue.product("sample-orchard").lifecycle}
    for copy in year.held:
        (answer,) = why(library, copy.id)
        year.why.append(f"{copy.path} ({copy.assurance}, {answer.fate})")
        year.why += [f"    {told}" for _, told, _ in answer.reasons]
        year.why += [
            f"    its series {series} is at its end of life since {eol}"
            for series, eol in ended.items()
            if copy.title.product == "sample-orchard" and copy.title.version.starts_with(Version(series))
        ]


def main() -> int:
    """0 when no subscription was ever without a proved image."""
    wish = argparse.ArgumentParser(description=__doc__)
    wish.add_argument("--days", type=int, default=365)
    wish.add_argument("--step", type=int, default=1, help="Update every so many days.")
    asked = wish.parse_args()
    with tempfile.TemporaryDirectory(prefix="year-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        own = {"CONFIG": "config.toml", "DATA_FOLDER": "data", "DEFAULT_REPOSITORY": "library"}
        os.environ.update({f"ISOMANAGER_{key}": str(folder / place) for key, place in own.items()})
        with SampleUpstream(folder / "upstream", scale=0.05) as upstream:
            os.environ["ISOMANAGER_CATALOGUE_FOLDERS"] = f'["{upstream.catalogue_folder.as_posix()}"]'
            year = simulate(upstream, days=asked.days, step=asked.step)
    print("\nIn the end the library holds:\n")
    print("\n".join(year.why))
    told = ", ".join(f"{name} on {count}" for name, count in year.failed_days.items()) or "none"
    print(f"\nUpdates that failed, in days: {told}.")
    print(f"Subscriptions that were ever without a proved image: {', '.join(year.unserved) or 'none'}.")
    return 1 if year.unserved else 0


if __name__ == "__main__":
    sys.exit(main())
