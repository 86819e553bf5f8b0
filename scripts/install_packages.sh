#!/usr/bin/env bash
# Usage: install_packages.sh PURPOSE PACKAGE...
# Installs Debian packages as root on Debian; elsewhere it is said which ones are missing. No package: nothing to do.
set -euo pipefail

purpose=$1
shift
[ $# -eq 0 ] && exit 0

install=(apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@")
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "The $purpose need: $*. On Debian, run as root: ${install[*]}" >&2
  exit 2
fi

echo "Installing for the $purpose: $*"
# no service is to start by itself: who needs one starts it, on a port of its own
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
"${install[@]}" -qq >/dev/null
