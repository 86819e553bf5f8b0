#!/bin/sh
# Remasters a proved image with the files of a folder added under /lab, and takes the result into the library.
# Usage: customise.sh SELECTOR FOLDER NAME      Needs xorriso.
set -eu
selector=$1 folder=$2 name=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base=$(isomanager get "$selector")
xorriso -return_with FATAL 32 -indev "$base" -outdev "$work/$name.iso" \
        -boot_image any replay -map "$folder" /lab -commit >&2
isomanager add "$work/$name.iso" --name "$name" --base "$selector" --purpose "customised" --json
