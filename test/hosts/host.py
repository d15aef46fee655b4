"""The main job of prodkit from Python.

    /usr/bin/python3 host.py ./prodkit.so app.db 'SELECT … WHERE …'

Prints a line for each step. The backups are written beside the database. A
Python built from source may lack enable_load_extension; Debian's has it.
"""

import sqlite3
import sys

prodkit, path, query = sys.argv[1:]

db = sqlite3.connect(path)
db.enable_load_extension(True)
db.load_extension(prodkit)
db.enable_load_extension(False)

STEPS = [
    ("help", "SELECT nullif(count(*), 0) || ' names' FROM prod_help"),
    ("configure", "SELECT json_extract(prod_configure(), '$.profile')"),
    ("health", "SELECT json_extract(prod_health(), '$.status')"),
    ("backup", "SELECT json_extract(prod_backup_to(?), '$.bytes')",
     path + ".backup"),
    ("gzip backup", "SELECT json_extract(prod_backup_to(?, 6), '$.bytes')",
     path + ".backup.gz"),
    ("fragmentation", "SELECT name || ', ' || pages || ' pages' "
     "FROM prod_fragmentation ORDER BY pages DESC LIMIT 1"),
    ("index advice", "SELECT ddl FROM prod_index_advice(?)", query),
]

for name, sql, *parameters in STEPS:
    row = db.execute(sql, parameters).fetchone()
    if not row or not row[0]:
        sys.exit(f"{name}: empty")
    print(f"{name}: {row[0]}")
