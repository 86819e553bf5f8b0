"""Request many: everything of a family or condition once, without subscribing to it."""

from __future__ import annotations

from collections.abc import Sequence

from isomanager.catalogue.globs import Expanded, expand
from isomanager.library.opening import Library
from isomanager.library.planning_updates import plan_wants
from isomanager.library.requesting import ADDED
from isomanager.model import Assurance, Plan, Subscription
from isomanager.planning.approving import within_budget
from isomanager.planning.wanting import Want


def condition_of(family: str, selector: str, *, everything: bool) -> str:
    """The condition that a family, or a selector with wildcards, means; `everything` takes every flavor, else the default one."""
    text = selector or f"{family}:*"
    if family and selector:
        text = f"{family}:{selector}"
    name, at, rule = text.partition("@")
    flavors = "/*" if everything and "/" not in name else ""
    return f"{name}{flavors}{at}{rule}"


def wished(
    library: Library,
    condition: str,
    *,
    architectures: Sequence[str] = (),
    repository: str = "default",
    under: int = 0,
    accept_unproved: bool = False,
) -> tuple[tuple[Subscription, ...], Expanded]:
    """What the condition means, as wishes for one run that are never stored. UsageError when it means nothing."""
    library.inventory.repository(repository)
    found = expand(library.catalogue, condition, architectures=architectures)
    floor = Assurance.NONE if accept_unproved or not library.settings.always_verify else Assurance.MIRROR
    wishes = tuple(
        Subscription(
            id=f"once:{place}",
            selector=selector,
            repositories=(repository,),
            old="keep",
            floor=floor,
            under=under,
            created_at=library.now(),
        )
        for place, selector in enumerate(found.selectors)
    )
    return wishes, found


def plan_many(library: Library, wants: Sequence[Want], *, budget: int = 0, force: bool = False) -> Plan:
    """The plan for these wishes, within `budget` bytes (0: whatever they take). Nothing is ever retired for them."""
    plan = plan_wants(library, wants, force=force)
    named = tuple(action.model_copy(update={"source": ADDED}) for action in plan.actions)
    plan = plan.model_copy(update={"actions": named})
    return within_budget(plan, budget) if budget else plan
