"""Get: where a proved copy is, for pipelines; it is fetched if it is not held."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.reporting import finish, show_plan
from flows.running import image_threads, named, running
from flows.update import bring_in_all, settled
from isomanager.errors import PermanentError
from isomanager.library.getting import Got, held_or_fetched
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.requesting import Asked
from isomanager.model import Plan

GOT = "iso-got"
"""Key of the artifact with what was found, for those who cannot read the run's stored result."""


@flow(
    name="get",
    flow_run_name=named("get"),
    task_runner=image_threads(),
    persist_result=True,  # the answer is the point of it: whoever asked reads it over the API
    result_serializer="json",
)
def get(
    selector: str,
    architectures: list[str] = [],  # noqa: B006 - never changed
    languages: list[str] = [],  # noqa: B006
    editions: list[str] = [],  # noqa: B006
    repository: str = "",
) -> Got:
    """Say where a proved copy is, and fetch it first if it is not held. Those who ask at the same time share one download.

    Args:
        selector: PRODUCT[/FLAVOR][@VERSION], such as ubuntu/server@24.04 or debian/netinst.
        architectures: Such as x86_64 or aarch64; none means the product's default.
        languages: Where a product comes in several; none means its default.
        editions: Where a product comes in several.
        repository: Only a copy in this repository will do; empty takes any, and fetches into the default one.
    """
    with running() as library:
        asked = Asked(
            selector=selector,
            architectures=tuple(architectures),
            languages=tuple(languages),
            editions=tuple(editions),
            repository=repository,
        )
        found = held_or_fetched(library, asked, lambda plan: _fetch(library, plan))
    if found is None:
        raise PermanentError(
            f"Nothing that fits {selector} could be brought in.",
            code="not-held",
            hint="The tables of plan and report say why.",
            selector=selector,
        )
    create_table_artifact(table=[dict(found)], key=GOT, description=f"Where {selector} is")
    return found


def _fetch(library: Library, plan: Plan) -> None:
    """Bring in what is planned; RunFailed, with the reasons, where that does not work."""
    found = recover(library)
    show_plan(plan)
    with recorded(library, "get") as record:
        outcomes = record((*settled(plan), *bring_in_all(plan)))
    finish(library, RunReport(plan=plan, outcomes=outcomes, recovered=found, indexes=refresh_indexes(library)))
