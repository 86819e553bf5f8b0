"""Doctor: everything the library stands on, looked at one by one, each with what to do when it is not well."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

from isomanager.errors import IsoManagerError
from isomanager.inventory.migration import HISTORY
from isomanager.inventory.report.page import readable_size
from isomanager.library.health import kept_health
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import known_keys
from isomanager.library.refreshing_keys import refreshed_at
from isomanager.library.repositories import check_repository
from isomanager.library.rooms import Fullness, fullness
from isomanager.library.standing import standing
from isomanager.model import RepositoryRecord, Value
from isomanager.settings import default_config_file

State = Literal["ok", "warn", "wrong"]
PARTS = ("isomanager", "prefect", "fastapi", "sqlalchemy", "pydantic", "httpx")
"""Whose versions matter when something does not work."""
EXTRAS = {
    "libtorrent": "torrents are not fetched; install isomanager[torrent] for them",
    "numpy": "images are not brought up to date by their differences; install isomanager[delta] for that",
    "psycopg": "PostgreSQL cannot be the database; install isomanager[postgresql] for that",
}


class Finding(Value):
    """One thing that was looked at. `advice` says what to do where it is not well."""

    name: str
    state: State
    told: str
    advice: str = ""


Check = Callable[[Library], Iterator[Finding]]
_BLOCK = "block://"


def examine_library(library: Library) -> Iterator[Finding]:
    """Every finding, as they come. What one check cannot find out keeps no other from being made."""
    for name, check in CHECKS:
        try:
            yield from check(library)
        except (IsoManagerError, OSError) as wrong:
            advice = wrong.hint if isinstance(wrong, IsoManagerError) else ""
            told = wrong.message if isinstance(wrong, IsoManagerError) else str(wrong)
            yield Finding(name=name, state="wrong", told=told, advice=advice)


def _configuration(library: Library) -> Iterator[Finding]:
    file = default_config_file()
    told = f"{file}" if file.exists() else f"{file} is not there; the defaults and the environment count"
    yield Finding(name="configuration", state="ok", told=told)
    folder = library.settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        yield Finding(
            name="data folder", state="wrong", told=f"{folder} cannot be written to.", advice="Give it to this user."
        )
        return
    space = shutil.disk_usage(folder)
    full = Fullness("", space.total - space.free, space.total, "its disk")
    yield _room(library, "data folder", str(folder), space.free, [full])


def _room(library: Library, name: str, place: str, free: int | None, fullness: Iterable[Fullness]) -> Finding:
    told = f"{place}; it does not say how much room it has" if free is None else f"{place}, {readable_size(free)} free"
    full = next((one for one in fullness if one.share >= library.settings.space_warning), None)
    if full is None:
        return Finding(name=name, state="ok", told=told)
    advice = (
        "Free some space, let `isomanager prune` retire what is no longer wanted, or raise the setting space_warning."
    )
    return Finding(name=name, state="warn", told=f"{told}; {full.limit} is {full.share:.0%} full", advice=advice)


def _versions(_library: Library) -> Iterator[Finding]:
    told = ", ".join(f"{name} {_version(name)}" for name in PARTS)
    yield Finding(name="versions", state="ok", told=f"Python {platform.python_version()}, {told}")
    for name, without in EXTRAS.items():
        if find_spec(name) is None:
            yield Finding(name=name, state="ok", told=f"not installed: {without}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _database(library: Library) -> Iterator[Finding]:
    known = library.inventory.revision()
    counts = (
        f"{len(library.inventory.repositories())} repositories, {len(library.inventory.subscriptions())} subscriptions"
    )
    state: State = "ok" if known == HISTORY.revisions[-1] else "wrong"
    yield Finding(name="database", state=state, told=f"revision {known}, {counts}")


def _repositories(library: Library) -> Iterator[Finding]:
    for one in library.inventory.repositories():
        yield _repository(library, one)


def _repository(library: Library, record: RepositoryRecord) -> Finding:
    name = f"repository {record.name}"
    if record.url.startswith(_BLOCK) and not os.environ.get("PREFECT_API_URL"):
        told = f"{record.url} was not looked at: only a running Prefect server can tell where that is."
        return Finding(name=name, state="warn", told=told, advice="Start `isomanager serve`, or set PREFECT_API_URL.")
    checked = check_repository(library, record.name)
    if not checked.ok:
        advice = f"`isomanager repository check {record.name}` shows each step."
        return Finding(name=name, state="wrong", told=f"{checked.url}: {checked.wrong}", advice=advice)
    return _room(library, name, checked.url, checked.free, fullness(library, record.name))


def _keys(library: Library) -> Iterator[Finding]:
    known = known_keys(library.keyring, library.catalogue.products, refreshed_at(library), every=False)
    over = [one for one in known if one.revoked or (one.expires_at is not None and one.expires_at < library.now())]
    told = f"{len(known)} signing keys are here"
    if not over:
        yield Finding(name="keys", state="ok", told=told)
        return
    names = ", ".join(dict.fromkeys(product for one in over for product in one.products)) or "no product"
    advice = "`isomanager keys refresh` fetches them again; what they signed before they ended still counts."
    yield Finding(name="keys", state="warn", told=f"{told}; {len(over)} have ended ({names})", advice=advice)


def _catalogue(library: Library) -> Iterator[Finding]:
    products, health = library.catalogue.products, kept_health(library.health_file)
    broken = sorted(one.product for one in health.values() if one.state == "broken")
    told = f"{len(products)} products, {len(health)} of them tried"
    if broken:
        advice = "`isomanager catalogue check PRODUCT` shows every step."
        yield Finding(name="catalogue", state="warn", told=f"{told}; broken: {', '.join(broken)}", advice=advice)
    else:
        yield Finding(name="catalogue", state="ok", told=told)


def _activity(library: Library) -> Iterator[Finding]:
    now = standing(library)
    stuck = [one.image for one in now.work if one.stuck]
    if now.alarm:
        yield Finding(name="runs", state="warn", told=now.alarm)
    elif stuck:
        told = f"{len(stuck)} images are unfinished and nobody is at them: {', '.join(stuck)}"
        yield Finding(name="runs", state="warn", told=told, advice="`isomanager update` goes on with them.")
    else:
        last = now.last.finished_at if now.last else None
        yield Finding(
            name="runs", state="ok", told=f"the last ended {last:%Y-%m-%d %H:%M} UTC" if last else "none is expected"
        )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("configuration", _configuration),
    ("versions", _versions),
    ("database", _database),
    ("repositories", _repositories),
    ("keys", _keys),
    ("catalogue", _catalogue),
    ("runs", _activity),
)
"""What is looked at, in this order."""
