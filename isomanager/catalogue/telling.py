"""What one named group tells of others, and the version that groups make. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from isomanager.catalogue.product import VersionForm
from isomanager.catalogue.templates import fill

_PLACES = re.compile(r"\{(\w+)\}")


def with_what_they_tell(form: VersionForm, groups: Mapping[str, str]) -> dict[str, str]:
    """`groups` with those that the value of another one tells (`version.told`); what is told so wins."""
    told = dict(groups)
    for name, by_value in form.told.items():
        value = groups.get(name, "")
        told |= by_value.get(value, by_value.get(value.upper(), {}))
    return told


def version_text(form: VersionForm, groups: Mapping[str, str]) -> str:
    """The version that `groups` make in the product's form; groups that are missing or empty leave no gap."""
    told = with_what_they_tell(form, groups)
    places = dict.fromkeys(_PLACES.findall(form.text), "")
    filled = fill(form.text, places | told)
    return re.sub(r"\.{2,}", ".", filled).strip(".")
