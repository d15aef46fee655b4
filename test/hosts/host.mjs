// The main job of prodkit from Node's own node:sqlite (Node 22.13 or later).
//
//     node host.mjs ./prodkit.so app.db 'SELECT … WHERE …'
//
// Prints a line for each step. The backups are written beside the database.
// With better-sqlite3 the loading line is db.loadExtension(prodkit) as well.
import { DatabaseSync } from 'node:sqlite';

const [prodkit, path, query] = process.argv.slice(2);

const db = new DatabaseSync(path, { allowExtension: true });
db.loadExtension(prodkit);
db.enableLoadExtension(false);

const steps = [
  ['help', `SELECT nullif(count(*), 0) || ' names' FROM prod_help`],
  ['configure', `SELECT json_extract(prod_configure(), '$.profile')`],
  ['health', `SELECT json_extract(prod_health(), '$.status')`],
  ['backup', `SELECT json_extract(prod_backup_to(?), '$.bytes')`,
    `${path}.backup`],
  ['gzip backup', `SELECT json_extract(prod_backup_to(?, 6), '$.bytes')`,
    `${path}.backup.gz`],
  ['fragmentation', `SELECT name || ', ' || pages || ' pages'
    FROM prod_fragmentation ORDER BY pages DESC LIMIT 1`],
  ['index advice', `SELECT ddl FROM prod_index_advice(?)`, query],
];

for (const [name, sql, ...parameters] of steps) {
  const row = db.prepare(sql).get(...parameters);
  const [value] = row ? Object.values(row) : [];
  if (!value) throw new Error(`${name}: empty`);
  console.log(`${name}: ${value}`);
}
