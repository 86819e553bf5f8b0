"""Add a product: a product file of one's own, from a form or pasted whole, checked, kept, and tried."""

from __future__ import annotations

from prefect import flow

from flows.checking import show_examination
from flows.forms import refresh_forms
from flows.running import running
from isomanager.errors import PermanentError, UsageError
from isomanager.library.adding import add_product as add_to_library
from isomanager.library.adding import definition, draft_definition
from isomanager.library.health import Health
from isomanager.library.surveying import examine
from isomanager.model import Family, Selector

_FORM = "the form"


@flow(name="add-product", flow_run_name="add-product {id}", persist_result=False)
def add_product(
    id: str = "",  # noqa: A002 - what a product file calls it
    name: str = "",
    family: Family = Family.CUSTOM,
    example: str = "",
    checksums: str = "",
    signature: str = "",
    key: str = "",
    facts: str = "",
    whole: str = "",
    replace: bool = False,
) -> Health:
    """Add a product of your own to the catalogue, and try it. Fill in the form, or paste a whole product file.

    Args:
        id: A short name in lower case, such as my-linux.
        name: The name for people; the short one if you leave it empty.
        family: The group it belongs to.
        example: The address of one of its images, with the version in its name, such as https://host/1.2/my-linux-1.2.iso.
        checksums: The address of the document with the digest of that image, if there is one.
        signature: The address of the signature over that document (or over the image, where there is no document).
        key: The full fingerprint of the key that signs.
        facts: What somebody should know about it.
        whole: A whole product file in TOML or JSON instead of all the above.
        replace: Replace a product of your own with the same short name.
    """
    with running() as library:
        text = _definition(id, name, family, example, checksums, signature, key, facts, whole)
        added = add_to_library(library, text, _FORM, replace=replace)
        refresh_forms(library)
        found = examine(library, Selector(product=added.product))
        show_examination(found)
        if found.health.state == "broken":
            raise PermanentError(
                f"{added.product} is kept in {added.file}, and does not resolve yet: {found.health.reason}",
                code="broken",
                hint="Run this again with `replace` once you know better.",
            )
        return found.health


def _definition(
    id: str,  # noqa: A002
    name: str,
    family: Family,
    example: str,
    checksums: str,
    signature: str,
    key: str,
    facts: str,
    whole: str,
) -> str:
    from isomanager.catalogue.drafting import Draft

    if whole.strip():
        return definition(whole, _FORM)
    if not id.strip() or not example.strip():
        raise UsageError("Give a short name and the address of one image, or a whole product file.")
    told = {"name": name, "checksums": checksums, "signature": signature, "key": key, "facts": facts}
    stripped = {field: text.strip() for field, text in told.items()}
    return draft_definition(Draft(id=id.strip(), family=family, example=example.strip(), **stripped))
