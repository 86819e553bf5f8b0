"""Check the catalogue: does every product still resolve? The result is data; a broken resolver is an event to act on."""

from __future__ import annotations

from prefect import flow
from prefect.events import emit_event

from flows.checking import show_health
from flows.running import named, running
from isomanager.library.health import Health
from isomanager.library.surveying import survey

BROKEN = "isomanager.resolver.broken"


@flow(name="check-catalogue", flow_run_name=named("check-catalogue"), persist_result=False)
def check_catalogue(what: list[str] = []) -> tuple[Health, ...]:  # noqa: B006 - never changed
    """Ask every vendor whether each product still resolves, and how far it can be proved. Fetches no image.

    Args:
        what: Families or products; none means the whole catalogue.
    """
    with running() as library:
        found = survey(library, what)
        show_health(found)
        for one in found:
            if one.state == "broken":
                _announce(one)
        return found


def _announce(one: Health) -> None:
    resource = {"prefect.resource.id": f"isomanager.product.{one.product}", "prefect.resource.name": one.product}
    good = one.good_at.isoformat() if one.good_at else ""
    payload = {"reason": one.reason, "code": one.code, "last_good": one.good_version, "last_good_at": good}
    emit_event(BROKEN, resource=resource, payload=payload)
