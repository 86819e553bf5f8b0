"""Sites: named sets of repositories, so that many places are kept in step by one name."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from isomanager.errors import InventoryError
from isomanager.inventory.database import Clash
from isomanager.inventory.tables import REPOSITORIES, SITES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Site


class SiteRecords(Transactions):
    """Adding, removing and asking for sites."""

    def add_site(self, site: Site) -> Site:
        """Keep a site. InventoryError: `unknown-repository`, `site-exists` (a repository's name is taken, too), `empty-site`."""
        if not site.repositories:
            raise InventoryError(f"The site {site.name} has no repository.", code="empty-site", site=site.name)
        try:
            with self._writing() as connection:
                known = set(connection.execute(select(REPOSITORIES.c.name)).scalars())
                unknown = [one for one in site.repositories if one not in known]
                if unknown:
                    told = f"There is no repository named {unknown[0]}."
                    raise InventoryError(told, code="unknown-repository", repository=unknown[0])
                if site.name in known:
                    raise InventoryError(
                        f"{site.name} is a repository's name already.", code="site-exists", site=site.name
                    )
                values = {**site.model_dump(), "repositories": list(site.repositories)}
                connection.execute(insert(SITES).values(**values))
        except Clash as clash:
            told = f"There is a site named {site.name} already."
            raise InventoryError(told, code="site-exists", hint="Remove it first.", site=site.name) from clash
        return site

    def remove_site(self, name: str) -> None:
        """Forget a site; its repositories stay. InventoryError(code="unknown-site") when there is none."""
        with self._writing() as connection:
            if not connection.execute(delete(SITES).where(SITES.c.name == name)).rowcount:
                raise InventoryError(f"There is no site named {name}.", code="unknown-site", site=name)

    def sites(self) -> tuple[Site, ...]:
        """Every site, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(SITES).order_by(SITES.c.name)).mappings().all()
        return tuple(Site.model_validate(dict(row)) for row in rows)
