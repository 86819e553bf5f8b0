#!/bin/sh
# Builds the documents of this folder with throw-away keys: what pysequoia cannot make (old, weak and expired forms).
# Needs gpg 2.2. Usage: sh build.sh FOLDER
set -eu
out=$1
GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
g() { when=$1; shift; gpg --batch --quiet --yes --no-permission-warning --passphrase '' --pinentry-mode loopback \
      --faked-system-time "$when!" --no-emit-version --armor "$@"; }

printf 'SHA256 (sample-1.0.iso) = %064d\n# sample-1.0.iso: 4096 bytes\n' 7 > "$out/CHECKSUM"

fingerprint() { gpg --with-colons --list-keys "$1" | awk -F: '/^fpr/ {print $10; exit}'; }

# a modern key that expires on 2024-06-01: one signature before, one after that day
g 20240101T000000 --quick-gen-key 'Expiring <expiring@sample.invalid>' rsa2048 sign never
g 20240201T000000 --local-user expiring@sample.invalid --detach-sign -o "$out/before-expiry.asc" "$out/CHECKSUM"
g 20240201T000000 --local-user expiring@sample.invalid --digest-algo SHA1 --allow-weak-digest-algos \
  --detach-sign -o "$out/sha1.asc" "$out/CHECKSUM"
g 20240701T000000 --local-user expiring@sample.invalid --detach-sign -o "$out/after-expiry.asc" "$out/CHECKSUM"
g 20240102T000000 --export expiring@sample.invalid > "$out/before-renewal.key.asc"
g 20240202T000000 --quick-set-expire "$(fingerprint expiring@sample.invalid)" 20240601T000000
g 20240203T000000 --export expiring@sample.invalid > "$out/expiring.key.asc"

# the same key, renewed by its owner after it had expired; and revoked
g 20240605T000000 --quick-set-expire "$(fingerprint expiring@sample.invalid)" 20990101T000000
g 20240606T000000 --export expiring@sample.invalid > "$out/extended.key.asc"
sed 's/^:-----/-----/' "$GNUPGHOME/openpgp-revocs.d/$(fingerprint expiring@sample.invalid).rev" > "$GNUPGHOME/gone"
g 20240801T000000 --import "$GNUPGHOME/gone"
g 20240802T000000 --export expiring@sample.invalid > "$out/revoked.key.asc"

# a key of an old form: its self-signature uses SHA-1
old='--cert-digest-algo SHA1 --allow-weak-digest-algos'
g 20200101T000000 $old --quick-gen-key 'Old form <old@sample.invalid>' rsa2048 sign never
g 20200201T000000 --local-user old@sample.invalid --clear-sign -o "$out/old-form.CHECKSUM" "$out/CHECKSUM"
g 20200201T000000 --local-user old@sample.invalid --digest-algo SHA1 --allow-weak-digest-algos \
  --clear-sign -o "$out/old-form-sha1.CHECKSUM" "$out/CHECKSUM"
g 20200201T000000 --local-user old@sample.invalid --detach-sign -o "$out/old-form.asc" "$out/CHECKSUM"
g 20200701T000000 --local-user old@sample.invalid --detach-sign -o "$out/old-form-after-expiry.asc" "$out/CHECKSUM"
g 20200102T000000 --export old@sample.invalid > "$out/old-form.key.asc"
sed 's/^:-----/-----/' "$GNUPGHOME/openpgp-revocs.d/$(fingerprint old@sample.invalid).rev" > "$GNUPGHOME/rev"
g 20200202T000000 $old --quick-set-expire "$(fingerprint old@sample.invalid)" 20200601T000000
g 20200203T000000 --export old@sample.invalid > "$out/old-form-expiring.key.asc"
g 20200301T000000 --import "$GNUPGHOME/rev"
g 20200302T000000 --export old@sample.invalid > "$out/old-form-revoked.key.asc"

# keys of other algorithms, with a subkey, that their owners revoked
for kind in rsa2048 dsa2048 nistp256; do
  g 20240101T000000 --quick-gen-key "Revoked <$kind@sample.invalid>" $kind sign never
  g 20240101T000000 --quick-add-key "$(fingerprint $kind@sample.invalid)" rsa2048 sign never
  sed 's/^:-----/-----/' "$GNUPGHOME/openpgp-revocs.d/$(fingerprint $kind@sample.invalid).rev" > "$GNUPGHOME/gone"
  g 20240201T000000 --import "$GNUPGHOME/gone"
  g 20240202T000000 --export $kind@sample.invalid > "$out/revoked-$kind.key.asc"
done
