"""Addresses whose secrets stay in this process: what asks on elsewhere gets them without, and here they are known again.

A flow's parameters are kept by Prefect's server for everybody to read; an address given to a command may have a password in it.
"""

from __future__ import annotations

from isomanager.trust.urls import without_secrets

_withheld: dict[str, str] = {}


def withheld(address: str) -> str:
    """The address without its secrets, to be passed on; `disclosed` gives the whole one back for as long as this process runs."""
    if "://" not in address:
        return address  # a name, a file, a magnet link: nothing of it is secret
    shown = without_secrets(address)
    if shown != address:
        _withheld[shown] = address
    return shown


def disclosed(shown: str) -> str:
    """The address that was withheld, or what is given."""
    return _withheld.get(shown, shown)
