"""What an update with nothing to do costs beside an empty flow, on the same running server.

    python -m bench.noop_update [--subscriptions 170] [--rounds 5]

A server of its own is started, the sample upstream serves as many products as it takes, everything is brought in once, and then
both flows run in turn, the same number of times. The medians and their ratio are printed; so is the same update when every
product is asked again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter


def main() -> int:
    """0 when the no-op update takes at most three times an empty flow."""
    wish = argparse.ArgumentParser(description=__doc__)
    wish.add_argument("--subscriptions", type=int, default=170)
    wish.add_argument("--rounds", type=int, default=5)
    asked = wish.parse_args()
    with tempfile.TemporaryDirectory(prefix="noop-update-", ignore_cleanup_errors=True) as folder:
        own_environment(Path(folder))
        ratio = _measured(Path(folder), asked.subscriptions, asked.rounds)
    return 0 if ratio <= 3 else 1


def own_environment(folder: Path) -> None:
    """No setting of the machine counts, and everything is kept in the folder."""
    for name in [name for name in os.environ if name.startswith(("ISOMANAGER_", "PREFECT_"))]:
        del os.environ[name]
    os.environ.update(
        {
            "ISOMANAGER_CONFIG": str(folder / "config.toml"),
            "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
            "ISOMANAGER_DEFAULT_REPOSITORY": str(folder / "library"),
            "ISOMANAGER_CATALOGUE_FOLDERS": f'["{(folder / "products").as_posix()}"]',
            "PREFECT_LOGGING_LEVEL": "ERROR",
        }
    )


def _measured(folder: Path, count: int, rounds: int) -> float:
    from deployments.server import prefect_api
    from isomanager.sample.upstream import SampleUpstream
    from isomanager.settings import load_settings

    with SampleUpstream(folder / "upstream", scale=0.01) as upstream:
        products = write_products(upstream.catalogue_folder, folder / "products", count)
        with prefect_api(load_settings(), lambda told: print(told, file=sys.stderr)):
            return compared(products, rounds)


def write_products(samples: Path, folder: Path, count: int) -> list[str]:
    """As many products as are wanted, each with the documents of a sample one."""
    folder.mkdir()
    text = (samples / "sample-lantern.toml").read_text("utf-8")
    names = [f"lantern-{place:03}" for place in range(count)]
    for name in names:
        own = text.replace('id = "sample-lantern"', f'id = "{name}"')
        lines = [line for line in own.splitlines() if not line.startswith(("aliases", "name "))]
        place = next(at for at, line in enumerate(lines) if line.startswith("id"))
        lines.insert(place + 1, f'name = "{name}"')
        (folder / f"{name}.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return names


def compared(products: list[str], rounds: int) -> float:
    """How many times an empty flow the update of nothing takes; the medians are printed, as is the same when all is asked again."""
    from prefect import flow

    from flows.update import update
    from isomanager.library.opening import library_in_use
    from isomanager.library.subscribing import subscribe
    from isomanager.model import Assurance, Selector

    @flow(name="empty", persist_result=False)
    def empty() -> None:
        return None

    with library_in_use() as library:
        for name in products:
            subscribe(library, Selector.parse(name), floor=Assurance.MIRROR)
    print(f"Bringing in {len(products)} images ...", file=sys.stderr)
    first = update()
    assert not first.bad, first.bad[0].why
    ways: dict[str, Callable[[], object]] = {
        "empty flow": empty,
        "no-op update": update,
        "no-op update, all asked again": partial(update, refresh=True),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    empty(), update()  # both once for nothing: imports and connections
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(_seconds(way))
    medians = {name: statistics.median(took) for name, took in times.items()}
    for name, took in medians.items():
        print(f"{name:32} {took:7.3f} s  (median of {len(times[name])})")
    print(f"asking {len(products)} products alone{'':12} {_asking():7.3f} s")
    again, ratio = (_ratio(times, name) for name in ("no-op update, all asked again", "no-op update"))
    told = f"A no-op update of {len(products)} subscriptions takes {ratio:.2f} times an empty flow"
    print(f"{told}, {again:.2f} when every vendor is asked again.")
    return ratio


def _ratio(times: dict[str, list[float]], name: str) -> float:
    """The median of the ratios within the rounds."""
    return statistics.median(one / empty for one, empty in zip(times[name], times["empty flow"], strict=True))


def _asking() -> float:
    """What asking every product takes without Prefect, in as many threads."""
    from isomanager.library.choosing import by_product
    from isomanager.library.opening import library_in_use
    from isomanager.library.resolving import resolve_wants

    with library_in_use() as library, ThreadPoolExecutor(library.settings.resolves_at_once) as pool:
        groups = by_product(library.inventory.subscriptions())
        assert library.client
        return _seconds(lambda: list(pool.map(lambda group: resolve_wants(library, group), groups.values())))


def _seconds(run: Callable[[], object]) -> float:
    started = perf_counter()
    run()
    return perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
