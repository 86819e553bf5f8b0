"""Another Prefect flow that needs an image: it asks the deployment `get/get`, wherever that runs. Needs no isomanager installed."""

from __future__ import annotations

import sys
from typing import Any

from prefect import flow
from prefect.deployments import run_deployment


@flow(persist_result=False)
def lab(selector: str) -> str:
    """Build a lab from a proved image; its path."""
    run = run_deployment("get/get", parameters={"selector": selector}, timeout=3600)
    answer: dict[str, Any] = run.state.result()  # type: ignore[union-attr]
    print(f"{answer['product']} {answer['version']} ({answer['assurance']}): {answer['location']}")
    return str(answer["location"])


if __name__ == "__main__":
    print(lab(sys.argv[1]))
