"""Check the catalogue: does every product still resolve? The result is data; a broken resolver is an event to act on."""

from __future__ import annotations

from prefect import flow

from flows.checking import BROKEN, RECOVERED, show_health
from flows.reporting import emit
from flows.running import named, running
from isomanager.library.health import Health, kept_health
from isomanager.library.surveying import survey


@flow(name="check-catalogue", flow_run_name=named("check-catalogue"), persist_result=False)
def check_catalogue(what: list[str] = []) -> tuple[Health, ...]:  # noqa: B006 - never changed
    """Ask every vendor whether each product still resolves, and how far it can be proved. Fetches no image.

    Args:
        what: Families or products; none means the whole catalogue.
    """
    with running() as library:
        before = kept_health(library.health_file)
        found = survey(library, what)
        show_health(found)
        for one in found:
            _announce(one, before.get(one.product))
        return found


def _announce(now: Health, before: Health | None) -> None:
    good = now.good_at.isoformat() if now.good_at else ""
    if now.state == "broken":
        payload = {"reason": now.reason, "code": now.code, "last_good": now.good_version, "last_good_at": good}
        emit(BROKEN, now.product, payload, kind="product")
    elif now.state == "ok" and before is not None and before.state == "broken":
        emit(RECOVERED, now.product, {"reason": f"It resolves again: {now.version}."}, kind="product")
