"""What Prefect costs beside the domain's own work, on a running server: an image that comes in a minute, and an update of nothing.

    python -m bench.prefect_cost [--seconds 60] [--rounds 5] [--subscriptions 170]

The download: the same image fetched anew from the sample upstream over a line that takes `--seconds`, by the flow and by the
domain's steps without Prefect, in turns. The update: `bench.noop_update`, with answers kept and with every vendor asked again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from bench import noop_update

GOAL = 0.05
"""Prefect's share of a one-minute download."""
IMAGE = "sample-lantern"


def main() -> int:
    """0 when both goals are met."""
    wish = argparse.ArgumentParser(description=__doc__)
    wish.add_argument("--seconds", type=float, default=60)
    wish.add_argument("--rounds", type=int, default=5)
    wish.add_argument("--subscriptions", type=int, default=170)
    asked = wish.parse_args()
    with tempfile.TemporaryDirectory(prefix="prefect-cost-", ignore_cleanup_errors=True) as folder:
        noop_update.own_environment(Path(folder))
        cost, ratio = _measured(Path(folder), asked)
    return 0 if cost / 60 <= GOAL and ratio <= 3 else 1


def _measured(folder: Path, asked: argparse.Namespace) -> tuple[float, float]:
    from deployments.server import prefect_api
    from isomanager.sample.upstream import SampleUpstream
    from isomanager.settings import load_settings

    site = folder / "upstream"
    with SampleUpstream(site) as upstream:
        (image,) = site.rglob("lantern-2.10.1.iso")
        size = image.stat().st_size
    with SampleUpstream(site, rate=int(size / asked.seconds)) as upstream:
        products = noop_update.write_products(upstream.catalogue_folder, folder / "products", asked.subscriptions)
        os.environ["ISOMANAGER_CATALOGUE_FOLDERS"] = f'["{folder}/products", "{upstream.catalogue_folder}"]'
        with prefect_api(load_settings(), lambda told: print(told, file=sys.stderr)):
            cost = _download_cost(asked.rounds)
            upstream.server.faults.clear()  # the images of the update may come at once
            return cost, noop_update.compared(products, asked.rounds)


def _download_cost(rounds: int) -> float:
    """Seconds that the flow takes longer than the domain: the median of the differences within the rounds."""
    ways = {"flow": _by_flow, "domain": _by_domain}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items() if number % 2 else reversed(ways.items()):
            seconds = _seconds(way)
            if number:  # the first is not counted: imports and connections
                took[name].append(seconds)
    for name, seconds_of in took.items():
        print(f"one image by the {name:24} {statistics.median(seconds_of):7.3f} s  (median of {rounds})")
    cost = statistics.median(flow - domain for flow, domain in zip(took["flow"], took["domain"], strict=True))
    print(f"Prefect costs {cost:.3f} s, {100 * cost / 60:.1f} % of a download of a minute (goal: {100 * GOAL:.0f} %).")
    return cost


def _by_flow() -> None:
    from flows.download import download

    download(selector=IMAGE, force=True)


def _by_domain() -> None:
    """What the flow and its tasks do, but for showing it."""
    from isomanager.library.downloading import download_reserved
    from isomanager.library.indexing import refresh_indexes
    from isomanager.library.opening import library_in_use
    from isomanager.library.recovering import recover
    from isomanager.library.registering import register, verify_received
    from isomanager.library.requesting import Asked, plan_download
    from isomanager.library.reserving import reserved
    from isomanager.model import ActionKind

    with library_in_use() as library:
        recover(library)
        plan = plan_download(library, Asked(selector=IMAGE, force=True))
        (action,) = plan.of_kind(ActionKind.DOWNLOAD)
        with reserved(library, action, plan.made_at) as reservation:
            received = download_reserved(library, reservation)
            register(library, reservation, received, verify_received(library, reservation, received))
        refresh_indexes(library)


def _seconds(run: Callable[[], object]) -> float:
    started = perf_counter()
    run()
    return perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
