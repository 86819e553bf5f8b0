"""Automations shipped as code: run again what crashed, find runs that are gone, tell what matters.

Made once; what a person changes of them, or switches off, stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, CallWebhook, ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows.checking import BROKEN, RECOVERED
from flows.reporting import EVENTS, NEARLY_FULL

AGAIN, GONE = "isomanager: run again what crashed", "isomanager: runs that are gone"
"""Names of the automations that every server has."""
NOTIFY = "isomanager-notify"
"""Whoever makes a block of this name, of any type that can tell, is told."""
TELLING = (
    "webhook",
    "slack-webhook",
    "ms-teams-webhook",
    "mattermost-webhook",
    "discord-webhook",
    "sendgrid-email",
    "custom-webhook",
)
"""Slugs of the block types that are looked for. `webhook` gets JSON, the others a text."""

_OURS = {"prefect.resource.id": "prefect.tag.iso", "prefect.resource.role": "tag"}
_RUNS = {"prefect.resource.id": "prefect.flow-run.*"}
_STATE = "prefect.flow-run.{}".format
_HEARTBEAT, _CLAIMED, _CRASHED = map(_STATE, ("heartbeat", "Pending", "Crashed"))
_ENDS = set(map(_STATE, ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended", "TimedOut")))

SILENCE = timedelta(minutes=20)
"""A run that beats every three minutes and has been silent for so long is gone: six beats missed, which no busy machine does.
One that a worker has claimed starts within seconds."""
PAUSE = timedelta(minutes=1)
"""Between a crash and the next start: a machine that comes back has come back by then."""

WORTH_TELLING = frozenset({EVENTS["quarantined"], EVENTS["failed"], EVENTS["respin"], BROKEN, RECOVERED, NEARLY_FULL})
_SUBJECT = "isomanager: {{ event.resource.name }}"
_BODY = "{{ event.event }}: {{ event.resource.name }} {{ event.payload.reason }}"
_PAYLOAD = (
    '{"event": {{ event.event | tojson }}, "subject": {{ event.resource.name | tojson }}, '
    '"payload": {{ event.payload | tojson }}}'
)


@dataclass(frozen=True)
class Teller:
    """A block that can tell somebody: its document and the slug of its type."""

    block: UUID
    kind: str

    def action(self) -> ActionTypes:
        """What the automation does with it."""
        if self.kind == "webhook":
            return CallWebhook(block_document_id=self.block, payload=_PAYLOAD)
        return SendNotification(block_document_id=self.block, subject=_SUBJECT, body=_BODY)


def automations(run_again: UUID, tellers: tuple[Teller, ...], silent_days: int) -> tuple[AutomationCore, ...]:
    """What there should be; those that tell only where there is somebody to tell. `run_again` is the deployment of that name."""
    watching = (_again(run_again), _lost())
    return (*watching, *(_told(one) for one in tellers), *(_silent(one, silent_days) for one in tellers))


def _again(run_again: UUID) -> AutomationCore:
    trigger = EventTrigger(
        expect={_CRASHED},
        match=_RUNS,
        match_related=_OURS,
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
    )
    crashed = {"__prefect_kind": "jinja", "template": "{{ event.resource.id }}"}
    action = RunDeployment(deployment_id=run_again, parameters={"run": crashed}, schedule_after=PAUSE)
    return AutomationCore(
        name=AGAIN,
        description="A run whose process ended is started again, at most twice, as a new run with the same parameters; what it had "
        "fetched is kept.",
        trigger=trigger,
        actions=[action],
    )


def _lost() -> AutomationCore:
    trigger = EventTrigger(
        after={_HEARTBEAT, _CLAIMED},
        expect={_HEARTBEAT, _STATE("Running"), *_ENDS},
        match=_RUNS,
        match_related=_OURS,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    told = f"Nothing was heard of it for {SILENCE.total_seconds() / 60:.0f} minutes."
    return AutomationCore(
        name=GONE,
        description="A run that has given no sign of life is marked as crashed, so that it holds up no other one.",
        trigger=trigger,
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=told)],
    )


def _told(teller: Teller) -> AutomationCore:
    trigger = EventTrigger(expect=set(WORTH_TELLING), posture=Posture.Reactive, threshold=1)
    return AutomationCore(
        name=f"isomanager: tell by {teller.kind}",
        description=f"Tells {teller.kind}/{NOTIFY} of what was refused, failed or changed upstream, and of scarce room.",
        trigger=trigger,
        actions=[teller.action()],
    )


def _silent(teller: Teller, days: int) -> AutomationCore:
    trigger = EventTrigger(
        expect={"prefect.flow-run.Completed"},
        match=_RUNS,
        match_related=_OURS,
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(days=days),
    )
    return AutomationCore(
        name=f"isomanager: nothing ran, tell by {teller.kind}",
        description=f"Tells {teller.kind}/{NOTIFY} when no run was completed for {days} days.",
        trigger=trigger,
        actions=[_silence_action(teller, days)],
    )


def _silence_action(teller: Teller, days: int) -> ActionTypes:
    told = f"No run of isomanager was completed for {days} days."
    if teller.kind == "webhook":
        return CallWebhook(
            block_document_id=teller.block, payload=f'{{"event": "isomanager.silent", "subject": "{told}"}}'
        )
    return SendNotification(block_document_id=teller.block, subject="isomanager: nothing ran", body=told)


def find_tellers(client: SyncPrefectClient) -> tuple[Teller, ...]:
    """The blocks named NOTIFY that the server has."""
    return tuple(_tellers(client))


def _tellers(client: SyncPrefectClient) -> Iterator[Teller]:
    for kind in TELLING:
        try:
            found = client.read_block_document_by_name(NOTIFY, kind, include_secrets=False)
        except ObjectNotFound:
            continue
        yield Teller(found.id, kind)


def ensure_automations(client: SyncPrefectClient, wanted: tuple[AutomationCore, ...], *, reset: bool) -> Iterator[str]:
    """Make those that are missing; with `reset`, set the others back. A sentence for each that was made or set back."""
    for one in wanted:
        known = client.read_automations_by_name(one.name)
        if not known:
            client.create_automation(one)
            yield f"Automation '{one.name}': made."
        elif reset:
            for before in known:
                client.delete_automation(before.id)
            client.create_automation(one)
            yield f"Automation '{one.name}': set back to how it is delivered."
