"""What is expected of the recorded documents of real upstreams, and how much of it the catalogue answers so.

    ISOMANAGER_RECORDED=FOLDER .venv/bin/python bench/expectations.py [FOLDER]

FOLDER holds the recorded documents; beside it lies expectations.jsonl, one question with its right answer a line. Told are the
numbers of right and wrong answers, every wrong one with what was answered instead, and what nobody asks about. Exit code 1 when an
answer is wrong.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from isomanager.catalogue.loader import load_catalogue
from recorded_expectations import all_expectations, verdict


def main() -> int:
    """Print the counts; the exit code."""
    place = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ISOMANAGER_RECORDED", "")
    if not place:
        print("Name the folder of recorded documents, or set ISOMANAGER_RECORDED.", file=sys.stderr)
        return 2
    folder, catalogue = Path(place), load_catalogue()
    told = [(one, verdict(one, folder, catalogue)) for one in all_expectations(folder)]
    counted = Counter(found.state for _, found in told)
    asked = counted["right"] + counted["wrong"]
    print(f"{len(told)} expectations: {counted['right']} of {asked} right, {counted['wrong']} wrong.")
    for one, found in told:
        if found.state == "wrong":
            print(f"  wrong: {one['fixture']} {one['query']}: {found.told}")
    for one, found in told:
        if found.state == "unasked":
            print(f"  nobody asks about: {one['fixture']} {one['query']}")
    return 1 if counted["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
