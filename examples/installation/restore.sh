#!/bin/sh
# restore.sh FOLDER: puts back what backup.sh saved there, into the databases that the environment names. Stop server and workers
# first; PostgreSQL's databases must be there and empty (createdb), SQLite's files must be gone.
set -eu
folder=${1:?usage: restore.sh FOLDER}

# load NAME ADDRESS
load() {
  case $2 in
    postgresql*) pg_restore --no-owner --exit-on-error --dbname="postgresql:${2#*:}" "$folder/$1.dump" ;;
    sqlite*)
      file="/${2#*:////}"
      [ ! -e "$file" ] || { echo "$file is there: move it away first, with its -wal and -shm" >&2; exit 1; }
      mkdir -p "$(dirname "$file")" && cp "$folder/$1.db" "$file.new" && mv "$file.new" "$file" ;;
  esac
}

load isomanager "${ISOMANAGER_DATABASE_URL:-sqlite:///${ISOMANAGER_DATA_FOLDER:?}/isomanager.db}"
load prefect "${PREFECT_API_DATABASE_CONNECTION_URL:-sqlite:///${PREFECT_HOME:-$ISOMANAGER_DATA_FOLDER/prefect}/prefect.db}"
