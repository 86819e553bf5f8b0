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

"$(dirname "$0")/install_packages.sh" measurements "${missing[@]}"
