/* existing.c: see existing.h. */
#include "existing.h"

#include "../base/sql.h"

/* CROSS JOIN: in the order as written, or else SQLite may run the pragma for
** each pair of a table and an index. LIMIT -1: that the list is made once,
** before SQLite 3.35 too. */
static const char list_indexes[] =
    "WITH listed AS"
    " (SELECT t.name AS table_name, l.name AS index_name,"
    "   (SELECT group_concat(coalesce(name, '(expression)')"
    "      || iif(\"desc\", ' DESC', ''), ', ')"
    "    FROM (SELECT * FROM pragma_index_xinfo(l.name, %Q)"
    "          WHERE key ORDER BY seqno)) AS columns,"
    "   l.\"unique\" AS is_unique, l.partial AS is_partial, l.origin,"
    "   iif(instr(i.sql, 'INDEX '),"
    "    substr(i.sql, 1, instr(i.sql, 'INDEX ') - 1) || %Q"
    "     || substr(i.sql, instr(i.sql, 'INDEX ') + 6), i.sql) AS ddl,"
    "   l.origin = 'c' AND NOT l.\"unique\" AND NOT l.partial AND NOT EXISTS"
    "    (SELECT 1 FROM pragma_index_xinfo(l.name, %Q) WHERE cid = -2)"
    "    AS is_droppable,"
    "   EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name, %Q) f"
    "    JOIN pragma_index_info(l.name, %Q) p ON p.seqno = 0"
    "    WHERE f.\"from\" = p.name COLLATE NOCASE) AS begins_with_foreign_key,"
    "   (SELECT group_concat(', ' || quote(name) || ' ' || lower(coll) || ' '"
    "      || \"desc\", '')"
    "    FROM (SELECT * FROM pragma_index_xinfo(l.name, %Q)"
    "          WHERE key ORDER BY seqno)) AS key,"
    "   i.rowid AS age"
    "  FROM \"%w\".sqlite_schema t"
    "  CROSS JOIN pragma_index_list(t.name, %Q) l"
    "  CROSS JOIN \"%w\".sqlite_schema i"
    "   ON i.name = l.name AND i.type = 'index'"
    "  WHERE t.type = 'table' AND t.rootpage > 0 LIMIT -1)"
    " SELECT a.*, b.index_name AS served_by, b.key = a.key AS is_duplicate"
    " FROM listed a LEFT JOIN listed b ON b.index_name ="
    "  (SELECT c.index_name FROM listed c"
    "   WHERE a.is_droppable AND c.table_name = a.table_name"
    "    AND c.index_name <> a.index_name AND NOT c.is_partial"
    "    AND substr(c.key, 1, length(a.key)) = a.key"
    "    AND (c.key <> a.key OR NOT c.is_droppable OR c.age < a.age)"
    "   ORDER BY length(c.key) DESC, c.is_droppable, c.age LIMIT 1)";

int pk_check_schema(sqlite3 *db, const char *schema, pk_error *error) {
  const char *file;
  sqlite3_int64 objects;
  pk_error cause = PK_NO_ERROR;
  int rc = pk_schema_file(db, schema, &file, error);
  if (rc != SQLITE_OK) return rc;
  rc = pk_query_int64(db, &objects, &cause,
                      "SELECT count(*) FROM \"%w\".sqlite_schema", schema);
  if ((rc & 0xff) == SQLITE_BUSY)
    pk_fail(
        error, rc,
        "cannot read %s: another connection has locked it; try again later, "
        "or set PRAGMA busy_timeout",
        schema);
  else if (rc != SQLITE_OK)
    pk_fail(error, rc, "%s",
            cause.message ? cause.message : sqlite3_errstr(rc));
  pk_error_clear(&cause);
  return rc;
}

char *pk_existing_indexes(const char *schema) {
  sqlite3_str *begin = sqlite3_str_new(NULL);
  sqlite3_str_appendall(begin, "INDEX ");
  pk_append_qualifier(begin, schema);
  char *qualified = sqlite3_str_finish(begin);
  if (!qualified) return NULL;
  char *sql = sqlite3_mprintf(list_indexes, schema, qualified, schema, schema,
                              schema, schema, schema, schema, schema);
  sqlite3_free(qualified);
  return sql;
}

char *pk_drop_ddl(const char *schema, const char *index) {
  sqlite3_str *ddl = sqlite3_str_new(NULL);
  sqlite3_str_appendall(ddl, "DROP INDEX ");
  pk_append_qualifier(ddl, schema);
  pk_append_identifier(ddl, index);
  return sqlite3_str_finish(ddl);
}
