-- prod_backups and prod_backup_hold: backups with a manifest, backups without,
-- what is no backup, damage of every kind, bad arguments.

.print == a folder without backups has no rows, a missing folder is an error
.open app.db
.load prodkit
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, 'row number ' || i FROM n;
.shell mkdir backups
SELECT count(*) FROM prod_backups('backups');
SELECT * FROM prod_backups('nowhere');
SELECT * FROM prod_backups('app.db');

.print == what prod_backup_rotate made: all that its manifest says
SELECT count(prod_backup_rotate('backups', '{"compress":0}'));
SELECT json_extract(prod_backup_rotate('backups', '{"verify":"full"}'), '$.backup.verified');
SELECT database, source_bytes, pages, compression, verified, held, age_seconds BETWEEN 0 AND 60 FROM prod_backups('backups');
SELECT path GLOB 'backups/app-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z.db*', taken_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-' || age_seconds || ' seconds'), bytes = length(readfile(path)) FROM prod_backups('backups');
SELECT group_concat(compression) FROM (SELECT compression FROM prod_backups('backups'));

.print == the manifest itself
SELECT j.key, j.type FROM prod_backups('backups') b, json_each(readfile(b.path || '.manifest.json')) j WHERE compression = 'gzip';

.print == the folder with a slash, and as a hidden column
SELECT count(*) FROM prod_backups('backups/');
SELECT count(*), min(path) NOT LIKE '%//%' FROM prod_backups WHERE dir = 'backups/';

.print == backups made by hand: what the file tells
.shell mkdir 'by hand'
SELECT json_extract(prod_backup_to('by hand/b.db.gz', 6), '$.verified'), json_extract(prod_backup_to('by hand/a.db', 0), '$.verified');
SELECT path, database, source_bytes, pages, compression, verified, held, age_seconds BETWEEN 0 AND 60 FROM prod_backups('by hand') ORDER BY path;

.print == what is no backup is left out, and so are parts and hidden files
.shell cd 'by hand' && touch empty && echo text > text.txt && echo text | gzip > text.gz && mkdir folder && ln -s nowhere dangling && cp a.db .hidden.db && cp a.db .a.db.AbCdEf.prodkit-part && cp a.db live.db && touch live.db-wal && mkfifo pipe
SELECT path FROM prod_backups('by hand') ORDER BY path;

.print == a compressed backup that is not whole, without a manifest
.shell head -c 3000 'by hand/b.db.gz' > 'by hand/cut.db.gz'
SELECT path, bytes, database, pages, verified FROM prod_backups('by hand') WHERE path LIKE '%cut%';

.print == manifests that are damaged are told, and what the file tells is shown
.shell mkdir bad; for i in 1 2 3 4 5 6 7 8 9; do cp 'by hand/b.db.gz' bad/$i.db.gz; done
SELECT count(writefile('bad/' || column1 || '.db.gz.manifest.json', column2)) FROM (VALUES
  (1, ''), (2, 'no JSON'), (3, '[]'), (4, '{"format":"other","version":1}'),
  (5, '{"format":"prodkit backup","version":2,"database":"app","taken_at":"2025-01-01T00:00:00Z","bytes":1,"source_bytes":1,"pages":1,"page_size":1,"compression":"gzip","verified":"quick","held":false}'),
  (6, '{"format":"prodkit backup","version":1,"database":"app","taken_at":"some time","bytes":1,"source_bytes":1,"pages":1,"page_size":1,"compression":"gzip","verified":"quick","held":false}'),
  (7, '{"format":"prodkit backup","version":1,"database":"app","taken_at":"2025-01-01T00:00:00Z","bytes":1,"source_bytes":1,"pages":1,"page_size":1,"compression":"gzip","verified":"certainly","held":false}'),
  (8, x'7b7d007b7d'), (9, zeroblob(100000)));
SELECT path, database, pages, compression, verified, held IS NULL FROM prod_backups('bad') ORDER BY path;
.shell rm bad/1.db.gz; mkdir bad/10.db.gz.manifest.json
SELECT path, bytes > 0, verified FROM prod_backups('bad') ORDER BY path LIMIT 2;

.print == a backup that is gone, or is not the one that its manifest describes
.shell rm backups/*.db; for f in backups/*.gz; do echo more >> $f; done
SELECT compression, bytes IS NULL, source_bytes, verified, held FROM prod_backups('backups');

.print == hold: set, set again, let go
.shell mkdir kept
SELECT json_extract(prod_backup_rotate('kept'), '$.backup.held');
SELECT json_extract(prod_backup_hold(path, true), '$.held') FROM prod_backups('kept');
SELECT held FROM prod_backups('kept');
SELECT json_extract(prod_backup_hold(path, 1), '$.held') FROM prod_backups('kept');
SELECT key FROM json_each((SELECT prod_backup_hold(path, false) FROM prod_backups('kept')));
SELECT held, verified FROM prod_backups('kept');
.shell ls kept | grep -c .

.print == what cannot be held
SELECT prod_backup_hold('kept/nothing.db', true);
SELECT prod_backup_hold('nowhere/nothing.db', true);
SELECT prod_backup_hold('by hand/a.db', true);
SELECT prod_backup_hold('bad/2.db.gz', true);
SELECT prod_backup_hold(path, true) FROM prod_backups('backups') WHERE verified = 'missing';
SELECT prod_backup_hold(path, 2) FROM prod_backups('kept');
SELECT prod_backup_hold(path, 'yes') FROM prod_backups('kept');
SELECT prod_backup_hold(path, NULL) FROM prod_backups('kept');
SELECT prod_backup_hold(NULL, true);
SELECT prod_backup_hold('', true);
SELECT prod_backup_hold('kept', true);
SELECT prod_backup_hold('kept/a.db');
SELECT held FROM prod_backups('kept');

.print == arguments of the table
SELECT * FROM prod_backups;
SELECT * FROM prod_backups(NULL);
SELECT * FROM prod_backups('');
SELECT * FROM prod_backups(7);
SELECT * FROM prod_backups('a', 'b');

.print == names that need care
.shell mkdir "it's ünïcode"; cp app.db "it's ünïcode/\"quoted\" name.db"
SELECT path FROM prod_backups('it''s ünïcode');

.print == no view or trigger of a database can call them
CREATE VIEW trap AS SELECT * FROM prod_backups('kept');
SELECT * FROM trap;
CREATE VIEW trap2 AS SELECT prod_backup_hold('kept/a', 1);
SELECT * FROM trap2;
