"""Variables for Packer and Terraform/OpenTofu: where a proved image is, and its checksum in the form they check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from isomanager.errors import UsageError
from isomanager.model import Copy

VariableForm = Literal["hcl", "json", "env"]


def variables_of(copy: Copy, url: str) -> dict[str, str]:
    """`iso_url` and `iso_checksum` (`sha256:HEX`) as Packer's builders call them, and what the image is."""
    if not copy.sha256:
        raise UsageError(f"{copy.path} has no SHA-256 yet.")
    return {
        "iso_url": url,
        "iso_checksum": f"sha256:{copy.sha256}",
        "iso_version": copy.title.version.text,
        "iso_architecture": copy.title.architecture,
    }


def write_variables(variables: Mapping[str, str], form: VariableForm) -> str:
    """A `.pkrvars.hcl`/`.tfvars` file, the same as JSON, or lines for a shell."""
    if form == "json":
        return json.dumps(dict(variables), indent=2, ensure_ascii=False) + "\n"
    if form == "env":
        return "".join(f"{name.upper()}={_shell(value)}\n" for name, value in variables.items())
    width = max(map(len, variables), default=0)
    return "".join(f"{name:<{width}} = {_hcl(value)}\n" for name, value in variables.items())


def _hcl(text: str) -> str:
    """https://developer.hashicorp.com/terraform/language/expressions/strings: `${` and `%{` begin templates."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
