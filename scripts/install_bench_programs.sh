#!/usr/bin/env bash
# The programs that bench/ measures beside ours: nginx to fetch from, aria2, curl, openssl, rsync and zsync, and what lossy lines are
# made of.
# As root on Debian they are installed, elsewhere it is said which ones are missing.
set -euo pipefail

missing=()
command -v nginx >/dev/null || missing+=(nginx-light)
command -v aria2c >/dev/null || missing+=(aria2)
command -v curl >/dev/null || missing+=(curl)
command -v openssl >/dev/null || missing+=(openssl)
command -v rsync >/dev/null || missing+=(rsync)
command -v zsync >/dev/null || missing+=(zsync)
command -v ip >/dev/null || missing+=(iproute2)
command -v nft >/dev/null || missing+=(nftables)
[ ${#missing[@]} -eq 0 ] && exit 0

install=(apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "The measurements need: ${missing[*]}. On Debian, run as root: ${install[*]}" >&2
  exit 2
fi

echo "Installing for the measurements: ${missing[*]}"
# no service is to start by itself: the measurements start their own, on their own ports
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
"${install[@]}" -qq >/dev/null
