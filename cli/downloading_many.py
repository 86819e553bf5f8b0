"""`isomanager download` of a family or a condition: a plan with its costs, a budget, a question, then the flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import changing
from cli.running import ask_in_terminal, flows, require_terminal, tell

if TYPE_CHECKING:
    from isomanager.library.requesting import Asked


@dataclass(frozen=True)
class Limits:
    """How much of what there is: smaller than `under` and within `budget` (bytes, 0: no limit), each flavor or the usual one."""

    under: int = 0
    budget: int = 0
    everything: bool = False


def download_many(asked: Asked, family: str, limits: Limits, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Fetch what the family or condition offers, once a person has seen what that takes."""
    _require_sense(asked, family, limits)
    if not yes and not dry_run:
        require_terminal()
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.approving import answering
        from flows.download_many import download_many as flow

        with answering(ask_in_terminal):
            report = run(
                lambda: flow(
                    family=family,
                    selector=asked.selector,
                    everything=limits.everything,
                    architectures=list(asked.architectures),
                    repository=asked.repository,
                    under=limits.under,
                    budget=limits.budget,
                    approve=not yes,
                    force=asked.force,
                    accept_unproved=asked.accept_unproved,
                    dry_run=dry_run,
                )
            )
    tell(report, as_json=as_json, dry_run=dry_run)


def _require_sense(asked: Asked, family: str, limits: Limits) -> None:
    """Refuse at once, before a server is started for it, what means nothing in the catalogue."""
    from isomanager.library.opening import Library
    from isomanager.library.requesting_many import condition_of, wished
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        condition = condition_of(family, asked.selector, everything=limits.everything)
        wished(library, condition, architectures=asked.architectures, repository=asked.repository)
