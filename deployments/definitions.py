"""Which deployments there are: fixed ones for each flow, and one "all latest" for each family of the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIRST_HOUR = 2
"""Scheduled updates begin at this hour of the night, one family after the other."""
STAGGER_MINUTES = 25
NIGHTLY_BUDGET = "50GiB"
"""How much a night's scrub reads: about half an hour of one disk, and a library of 1.5 TiB once a month."""
PRODUCT_TAG, SITE_TAG = "product:", "site:"
"""Begin the tags by which the deployments of one product and of one site are known."""
RUN_AGAIN = "run-again/run-again"
"""The deployment that the automation for crashed runs starts. Its runs are no work of the library's: it has its own tag."""


@dataclass(frozen=True)
class Definition:
    """One deployment. `cron` is empty for those that only run on demand, `queue` for those that every worker may run.

    `entrypoint` is MODULE.FUNCTION: a worker needs the package installed, and no folder of the machine that deployed.
    """

    name: str
    entrypoint: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ("iso",)
    cron: str = ""
    queue: str = ""


_WHERE = (
    "What is held: [table](/v2/artifacts/key/iso-inventory), [catalogue](/v2/artifacts/key/iso-catalog), "
    "[figures](/v2/artifacts/key/iso-figures). Last [report](/v2/artifacts/key/iso-report) and "
    "[plan](/v2/artifacts/key/iso-plan)."
)

FIXED = (
    Definition(
        "update",
        "flows.update.update",
        f"Bring everything, or what you choose, up to date. {_WHERE}",
    ),
    Definition("download", "flows.download.download", f"Fetch one image once, without subscribing to it. {_WHERE}"),
    Definition(
        "download-many",
        "flows.download_many.download_many",
        "Fetch once what a family or a condition offers, within a budget; it pauses with the plan and its costs until you approve. "
        f"{_WHERE}",
        {"approve": True},
    ),
    Definition(
        "get",
        "flows.get.get",
        "Say where a proved copy is, fetching it if it is not held: for pipelines, which read the run's result. "
        "Last answer: [iso-got](/v2/artifacts/key/iso-got).",
    ),
    Definition(
        "refresh-catalogue",
        "flows.refresh_catalogue.refresh_catalogue",
        "Ask upstream about what is subscribed to, so that updates find fresh answers; give it a schedule of its own.",
    ),
    Definition(
        "subscribe",
        "flows.subscribe.subscribe",
        f"Keep a product, or all that fits a condition, up to date from now on. {_WHERE}",
    ),
    Definition(
        "change-subscription",
        "flows.subscribe.change_subscription",
        f"Change what subscriptions ask for: their version rule, where they are kept, how many. {_WHERE}",
    ),
    Definition(
        "apply",
        "flows.apply.apply",
        "Make repositories, sources, sites and subscriptions those of a library file; a dry run unless you switch that off. "
        "What differs: [iso-library](/v2/artifacts/key/iso-library).",
        {"dry_run": True},
    ),
    Definition(
        "choose",
        "flows.choose.choose",
        "Choose an image step by step: start a run, open it, and press Resume in its menu for each of the four questions. "
        f"{_WHERE}",
    ),
    Definition("verify", "flows.verify.verify", f"Prove held images again. {_WHERE}"),
    Definition(
        "scrub",
        "flows.scrub.scrub",
        "Prove images again, those first that were not proved for longest, within a budget, every night; mend what failed. "
        f"{_WHERE}",
        {"budget": NIGHTLY_BUDGET},
        cron=f"30 {FIRST_HOUR - 1} * * *",
    ),
    Definition(
        "prune",
        "flows.prune.prune",
        f"Let go of replaced versions; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "pin",
        "flows.letting_go.pin",
        f"Pin or hold what a selector or path names, or release it. {_WHERE}",
    ),
    Definition(
        "freeze",
        "flows.letting_go.freeze",
        f"Delete nothing anywhere until this is run with the switch off. {_WHERE}",
    ),
    Definition(
        "trash",
        "flows.letting_go.trash",
        f"Bring retired images back from the trash, proved again, or remove them for good. {_WHERE}",
    ),
    Definition(
        "release-quarantine",
        "flows.letting_go.release_quarantine",
        f"Forget refusals, so that the next update tries those images again. {_WHERE}",
    ),
    Definition(
        "scan",
        "flows.scan.scan",
        f"Look at the images in a folder and take them in; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "scan-drop-folder",
        "flows.scan.scan",
        "Take in whatever somebody puts into the repository itself, or into a folder of yours: set it, and how often. Files that "
        f"still grow wait for the next run. {_WHERE}",
        {"doubtful": "leave", "remove": True, "dry_run": False, "settle_seconds": 120},
    ),
    Definition(
        "report",
        "flows.report.report",
        f"Show what is held, filtered as you like, and what it adds up to; saved in each repository. {_WHERE}",
    ),
    Definition(
        "layout",
        "flows.layout.layout",
        f"Put a repository's images where another layout wants them; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "sync",
        "flows.sync.sync",
        f"Bring repositories and sites in step with another; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "dedupe",
        "flows.dedupe.dedupe",
        f"Let what a repository holds twice take the room of one; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "export-bundle",
        "flows.bundles.export_bundle",
        f"Write what another site lacks into a folder or an archive to be carried there; a dry run unless you switch that off. "
        f"{_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "import-bundle",
        "flows.bundles.import_bundle",
        f"Take in a bundle of another site, proved again without network; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "rebuild",
        "flows.rebuild_repository.rebuild_repository",
        f"Make a lost database again from a repository's own files and receipts. {_WHERE}",
    ),
    Definition("add", "flows.add_image.add", f"Add one image of your own, by this form or as JSON. {_WHERE}"),
    Definition(
        "import",
        "flows.import_inventory.import_inventory",
        f"Take in what an inventory lists and a repository has; a dry run unless you switch that off. {_WHERE}",
        {"dry_run": True},
    ),
    Definition(
        "add-repository",
        "flows.add_repository.add_repository",
        "Make a repository known that is described by a block.",
    ),
    Definition(
        "remove-repository",
        "flows.remove_repository.remove_repository",
        "Forget a repository, whose files stay; a dry run unless you switch that off.",
        {"dry_run": True},
    ),
    Definition(
        "add-product",
        "flows.add_product.add_product",
        "Add a product of your own to the catalogue by a form, and try it. "
        "What it found: [iso-product](/v2/artifacts/key/iso-product).",
    ),
    Definition(
        "check-catalogue",
        "flows.check_catalogue.check_catalogue",
        "Ask every vendor whether each product still resolves. Result: [iso-catalogue](/v2/artifacts/key/iso-catalogue).",
    ),
    Definition(
        "run-again",
        "flows.run_again.run_again",
        "Start a crashed run once more with the same parameters, at most twice; the automation of that name asks for it.",
        tags=("iso-upkeep",),
    ),
)
"""The hand-picked deployments; `prefect.yaml` names the same ones."""


def family_definitions(families: Sequence[str]) -> tuple[Definition, ...]:
    """One nightly deployment for each family, staggered so that they do not start at the same time."""
    return tuple(
        Definition(
            name=f"update-{family}",
            entrypoint="flows.update.update",
            description=f"All latest of the family {family}: every subscription of it, every night. {_WHERE}",
            parameters={"what": [family]},
            tags=("iso", f"family:{family}"),
            cron=nightly(place),
        )
        for place, family in enumerate(families)
    )


def product_definitions(families: Mapping[str, str], *, after: int) -> tuple[Definition, ...]:
    """One nightly deployment for each product, whose family is the value; they begin when `after` families have begun."""
    return tuple(
        Definition(
            name=f"update-{product}",
            entrypoint="flows.update.update",
            description=f"All latest of {product}: every subscription of it, every night. {_WHERE}",
            parameters={"what": [product]},
            tags=("iso", f"family:{family}", f"{PRODUCT_TAG}{product}"),
            cron=nightly(after + place),
        )
        for place, (product, family) in enumerate(sorted(families.items()))
    )


def site_definitions(sites: Sequence[str]) -> tuple[Definition, ...]:
    """One deployment for each site, run by the workers of the queue that has the site's name."""
    return tuple(
        Definition(
            name=f"sync-{site}",
            entrypoint="flows.sync.sync",
            description=f"Bring the repositories of the site {site} in step; its own workers do it (`isomanager worker --queue "
            f"{site}`). A dry run unless you switch that off. {_WHERE}",
            parameters={"to": [site], "dry_run": True},
            tags=("iso", f"{SITE_TAG}{site}"),
            queue=site,
        )
        for site in sorted(set(sites))
    )


def nightly(place: int) -> str:
    """The cron schedule of the family at `place`: each begins STAGGER_MINUTES after the one before."""
    minutes = FIRST_HOUR * 60 + place * STAGGER_MINUTES
    return f"{minutes % 60} {minutes // 60 % 24} * * *"
