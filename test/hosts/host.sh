#!/bin/sh
# The main job of prodkit in the sqlite3 shell.
#
#     sh host.sh ./prodkit.so app.db 'SELECT … WHERE …'
#
# Prints a line for each step. The backups are written beside the database.
set -eu
prodkit=$1 database=$2 query=$3

# An SQL text literal.
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

step() {
  result=$(sqlite3 -batch -bail -cmd ".load '$prodkit'" "$database" "$2")
  if [ -z "$result" ]; then
    echo "$1: empty" >&2
    exit 1
  fi
  echo "$1: $result"
}

step help "SELECT nullif(count(*), 0) || ' names' FROM prod_help"
step configure "SELECT json_extract(prod_configure(), '\$.profile')"
step health "SELECT json_extract(prod_health(), '\$.status')"
step backup "SELECT json_extract(
  prod_backup_to($(quoted "$database.backup")), '\$.bytes')"
step 'gzip backup' "SELECT json_extract(
  prod_backup_to($(quoted "$database.backup.gz"), 6), '\$.bytes')"
step fragmentation "SELECT name || ', ' || pages || ' pages'
  FROM prod_fragmentation ORDER BY pages DESC LIMIT 1"
step 'index advice' "SELECT ddl FROM prod_index_advice($(quoted "$query"))"
