#!/bin/sh
# Prints the path of a proved image that fits the selector, and checks it once more with the digest that belongs to it.
# Usage: get.sh SELECTOR
set -eu
isomanager get "$1" --variables env > "${TMPDIR:-/tmp}/image.env.$$"
. "${TMPDIR:-/tmp}/image.env.$$"
rm -f "${TMPDIR:-/tmp}/image.env.$$"
echo "${ISO_CHECKSUM#sha256:}  $ISO_URL" | sha256sum --check --quiet -
echo "$ISO_URL"
