"""`python -m isomanager.sample --folder DIR`: the sample upstream in the foreground, or a release published into its site."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from isomanager.errors import IsoManagerError, UsageError
from isomanager.sample.serving import serve_sample
from isomanager.sample.site import open_site
from isomanager.sample.upstream import SampleUpstream
from isomanager.sample.vendors import VENDORS


def announce(upstream: SampleUpstream) -> None:
    """Say where it is; flushed, so that a program reading the pipe can wait for it."""
    print(f"Sample upstream: {upstream.url}/")
    print(f"Product files:   {upstream.catalogue_folder}")
    print(f"Signed by:       {upstream.key_fingerprint} (a throw-away key)")
    print("Ctrl+C stops it.", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 after a clean stop, 1 when something failed, 2 when what was asked for makes no sense."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.publish:
            for release in open_site(asked.folder).publish_point_release(asked.publish):
                print(f"Published {release.path}")
        else:
            serve_sample(asked.folder, asked.port, announce, rate=asked.rate)
    except IsoManagerError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m isomanager.sample", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the site is, or is to be built")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--rate", type=int, help="serve images at so many bytes a second")
    parser.add_argument("--publish", choices=sorted(VENDORS), help="publish this vendor's next release, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
