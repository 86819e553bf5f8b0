"""What a person sees in the Prefect UI: plan, report and inventory as tables, events for what matters, the right end state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.events import emit_event

from flows.approving import costs_told
from flows.forms import refresh_forms
from isomanager.errors import PermanentError
from isomanager.inventory.report.text import markdown_catalogue
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.rooms import Fullness, nearly_full
from isomanager.model import Copy, CopyState, Outcome, Plan
from isomanager.planning.costs import Costs
from isomanager.planning.deciding import RESPIN
from isomanager.storage.index import PAGE
from isomanager.storage.receipts import RECEIPTS

PLAN, REPORT, INVENTORY, CATALOGUE = "iso-plan", "iso-report", "iso-inventory", "iso-catalog"
"""Keys of the artifacts; each key's page shows its newest version. The catalogue is what is held, by family, with links."""
_LINKS = (
    "[Table](/v2/artifacts/key/iso-inventory) | [Figures](/v2/artifacts/key/iso-figures) | "
    "[Last report](/v2/artifacts/key/iso-report) | [Last plan](/v2/artifacts/key/iso-plan)"
)

EVENTS = {
    "published": "isomanager.image.published",
    "quarantined": "isomanager.image.quarantined",
    "retired": "isomanager.image.retired",
    "failed": "isomanager.image.failed",
    "respin": "isomanager.image.respun",
}
"""The events of images, by what became of them; a respun one has other bytes under a title that was held already."""

NEARLY_FULL = "isomanager.repository.nearly-full"
"""The event of a repository of which more is used than the setting `space_warning` says."""


class RunFailed(PermanentError):
    """A run in which an image failed or was refused; `report` says what became of each."""

    code = "run-failed"

    def __init__(self, message: str, *, report: RunReport | None = None, **rest: object) -> None:
        super().__init__(message, **rest)  # type: ignore[arg-type]
        self.report = report or RunReport()


def show_plan(plan: Plan, costs: Costs | None = None) -> None:
    """The plan as a table artifact, its costs above."""
    rows = [
        {
            "action": action.kind.value,
            "image": str(action.title or action.selector),
            "repository": action.repository,
            "bytes": action.cost if action.cost is not None else "unknown",
            "frees": action.frees,
            "why": action.why,
        }
        for action in plan.actions
    ]
    told = "\n".join(["What this run is going to do, and why", *(costs_told(costs) if costs else [])])
    create_table_artifact(table=rows, key=PLAN, description=told)


def show_report(report: RunReport) -> None:
    """The outcomes as a table artifact."""
    create_table_artifact(
        table=[_row(outcome) for outcome in report.outcomes], key=REPORT, description="What became of each image"
    )


def _row(outcome: Outcome) -> dict[str, object]:
    return {
        "outcome": outcome.outcome.value,
        "image": str(outcome.title or outcome.selector),
        "repository": outcome.repository,
        "path": outcome.path,
        "assurance": outcome.assurance.value,
        "bytes": outcome.bytes,
        "seconds": round(outcome.seconds, 1),
        "why": outcome.why,
    }


def show_inventory(library: Library) -> None:
    """Everything held: a searchable table, and a text by family."""
    held = library.inventory.copies(states={CopyState.HELD, CopyState.SUSPECT})
    show_copies(library, held, "Every image that is held")


def show_copies(library: Library, copies: Sequence[Copy], told: str) -> None:
    """These copies as the table and the text of what is held."""
    create_table_artifact(table=[held_row(copy) for copy in copies], key=INVENTORY, description=told)
    text = markdown_catalogue(copies, library.product_names)
    create_markdown_artifact(
        f"{_LINKS}\n\n{text}\n{_places(library)}", key=CATALOGUE, description="What is held, by family"
    )


def _places(library: Library) -> str:
    """Where each repository tells of itself: in a page of its own, and in receipts of how every image was proved."""
    rows = [
        f"| {one.name} | `{_inside(one.url, PAGE)}` | `{_inside(one.url, RECEIPTS)}` |"
        for one in library.inventory.repositories()
    ]
    return "\n".join(["| repository | its page | its receipts |", "|---|---|---|", *rows])


def _inside(url: str, path: str) -> str:
    return f"{url.rstrip('/')}/{path}"


def held_row(copy: Copy) -> dict[str, object]:
    """A copy as a row of the inventory table."""
    title = copy.title
    return {
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version": str(title.version),
        "architecture": title.architecture,
        "repository": copy.repository,
        "path": copy.path,
        "MiB": round((copy.size or 0) / 2**20),
        "assurance": copy.assurance.value,
        "state": copy.state.value,
        "proved": copy.proved_at.isoformat(timespec="minutes") if copy.proved_at else "",
    }


def announce(outcomes: Sequence[Outcome]) -> None:
    """An event for each image that changed something, for automations to act on."""
    for outcome in outcomes:
        kinds = [outcome.outcome.value, *(["respin"] if outcome.code == RESPIN else [])]
        for name in filter(None, map(EVENTS.get, kinds)):
            payload = {"repository": outcome.repository, "path": outcome.path, "reason": outcome.why}
            emit(name, str(outcome.title or outcome.selector), payload)


def emit(event: str, subject: str, payload: Mapping[str, object], *, kind: str = "image") -> None:
    """Tell the server of something that happened to `subject`."""
    resource = {"prefect.resource.id": f"isomanager.{kind}.{subject}", "prefect.resource.name": subject}
    emit_event(event, resource=resource, payload=dict(payload))


def announce_space(full: Sequence[Fullness]) -> None:
    """An event for each repository that is nearly full."""
    for one in full:
        told = f"{round(100 * one.share)} % of {one.repository} is used {one.limit}"
        payload = {
            "reason": told,
            "used": one.used,
            "total": one.total,
            "share": round(one.share, 3),
            "limit": one.limit,
        }
        emit(NEARLY_FULL, one.repository, payload, kind="repository")


def finish(library: Library, report: RunReport) -> RunReport:
    """Show and announce the report; RunFailed when an image failed, so that the run is red and says which and why."""
    show_report(report)
    show_inventory(library)
    announce(report.outcomes)
    announce_space(nearly_full(library))
    refresh_forms(library)
    if report.bad:
        told = "; ".join(f"{one.title or one.selector}: {one.why}" for one in report.bad)
        raise RunFailed(f"{len(report.bad)} of {len(report.outcomes)} images failed: {told}", report=report)
    return report
