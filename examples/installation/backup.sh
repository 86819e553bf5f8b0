#!/bin/sh
# backup.sh FOLDER: copies of both databases while everything runs, as the environment names them (worker.env and server.env).
set -eu
folder=${1:?usage: backup.sh FOLDER}
mkdir -p "$folder"
chmod 700 "$folder"

# save NAME ADDRESS: PostgreSQL by pg_dump, SQLite by its own copying of a database in use
save() {
  case $2 in
    postgresql*) pg_dump --format=custom --file="$folder/$1.dump.new" --dbname="$(plain "$2")" && mv "$folder/$1.dump.new" "$folder/$1.dump" ;;
    sqlite*) copy "/${2#*:////}" "$folder/$1.db.new" && mv "$folder/$1.db.new" "$folder/$1.db" ;;
  esac
}

# the address as PostgreSQL's own programs know it: without the name of a driver
plain() { printf 'postgresql:%s' "${1#*:}"; }

copy() {
  python3 -c 'import sqlite3, sys; there = sqlite3.connect(sys.argv[2]); sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).backup(there); there.close()' "$1" "$2"
}

save isomanager "${ISOMANAGER_DATABASE_URL:-sqlite:///${ISOMANAGER_DATA_FOLDER:?}/isomanager.db}"
save prefect "${PREFECT_API_DATABASE_CONNECTION_URL:-sqlite:///${PREFECT_HOME:-$ISOMANAGER_DATA_FOLDER/prefect}/prefect.db}"
