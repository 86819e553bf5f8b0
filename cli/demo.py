"""`make demo`: the main job end to end on this machine alone, then what happens when a vendor publishes a point release.

Everything lives in one folder (`.demo`), nothing needs root or the internet, and nothing is left running, even if it is killed:
the sample upstream is a thread of this process, and the Prefect server ends with it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from cli.output import FAILED, INTERRUPTED, fail, say
from cli.tables import print_table, size

FOLDER = Path(".demo")
SUBSCRIPTIONS = ("sample-orchard/server@lts", "sample-granite", "sample-beacon", "sample-lantern", "sample-driftwood")
RATE = 3 << 20
"""Bytes a second at which the sample serves images: slow enough to watch."""


def main() -> int:
    """Run the demonstration; 0 when both updates did what they should."""
    started = monotonic()
    try:
        _in_own_folder()
        _show(_update_twice())
    except KeyboardInterrupt:
        say("Stopped; nothing is left running.")
        return INTERRUPTED
    except Exception as wrong:  # noqa: BLE001 - as on the command line, every error ends as a sentence
        return fail(wrong, as_json=False)
    _what_next(monotonic() - started)
    return 0


def _in_own_folder() -> None:
    """A library of its own, whatever this machine's settings are."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder = FOLDER.absolute()
    for name in [name for name in os.environ if name.startswith(("ISOMANAGER_", "PREFECT_"))]:
        del os.environ[name]
    os.environ.update(
        {
            "ISOMANAGER_CONFIG": str(folder / "config.toml"),
            "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
            "ISOMANAGER_DEFAULT_REPOSITORY": str(folder / "library"),
            "ISOMANAGER_CATALOGUE_FOLDERS": f'["{(folder / "upstream" / "catalogue").as_posix()}"]',
        }
    )


def _update_twice() -> Sequence[Path]:
    from cli.running import quiet_prefect
    from deployments.server import prefect_api
    from isomanager.sample.upstream import SampleUpstream
    from isomanager.settings import load_settings

    with SampleUpstream(FOLDER / "upstream", rate=RATE) as upstream:
        _step(f"The sample upstream serves five vendors' sites at {upstream.url}")
        settings = load_settings()
        _step("Subscribing")
        _subscribe()
        quiet_prefect(0)
        with prefect_api(settings, _step):
            _step("First update: resolve, plan, download, verify, register, prune")
            _update()
            released = upstream.publish("orchard")
            _step(f"orchard publishes {', '.join(sorted({str(one.version) for one in released}))}; second update")
            _update()
        return sorted(one for one in (FOLDER / "library").rglob("*") if one.is_file())


def _subscribe() -> None:
    from isomanager.library.opening import Library
    from isomanager.library.subscribing import subscribe
    from isomanager.model import Assurance, Selector
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        for text in SUBSCRIPTIONS:
            # two of the vendors sign nothing, and all are served over plain HTTP here
            kept = subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
            print(f"  {kept.selector} ({', '.join(kept.selector.architectures)})")


def _update() -> None:
    from cli.looking import plan
    from cli.reports import print_report
    from cli.running import Run

    plan(what=[], as_json=False)
    print()
    from flows.update import update

    report = Run(show_progress=True)(lambda: update(refresh=True))
    print_report(report)
    if report.bad:
        raise SystemExit(FAILED)


def _show(files: Sequence[Path]) -> None:
    from cli.listing import list_copies

    _step("What is held now")
    list_copies(every=True)
    _step("Where the files are")
    visible = [one for one in files if ".isomanager" not in one.parts]
    print_table(("file", "size"), map(_file, visible))
    trashed = [one for one in files if "trash" in one.parts]
    print(f"The retired version waits in the trash: {', '.join(map(str, trashed))}")


def _file(file: Path) -> tuple[str, str]:
    """A file with its size; an alias with what it stands for."""
    if file.is_symlink():
        return f"{file} -> {file.readlink()}", "alias"
    return str(file), size(file.stat().st_size)


def _what_next(seconds: float) -> None:
    _step(f"Done in {seconds:.0f} s; nothing is left running. Next:")
    print(
        "  .venv/bin/isomanager serve             the Prefect UI, with schedules and a worker, at http://127.0.0.1:4200\n"
        "  .venv/bin/isomanager catalogue check   the first real step on the internet: does every vendor answer?\n"
        "  .venv/bin/isomanager subscribe ubuntu/server@lts && .venv/bin/isomanager update"
    )


def _step(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
