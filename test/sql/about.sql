.print == the version, and what the host has
SELECT prod_version();
SELECT json_extract(prod_debug(), '$.version') = prod_version(), json_extract(prod_debug(), '$.host_sqlite') = sqlite_version(), json_extract(prod_debug(), '$.host_has.json');
.print == help lists functions and tables, with signatures from the declarations
SELECT signature, kind FROM prod_help WHERE page = 'docs/about.md' ORDER BY 1;
SELECT signature FROM prod_help WHERE name = 'prod_backup_to';
SELECT signature FROM prod_help WHERE name = 'prod_fragmentation' ORDER BY kind;
.print == options are listed where a function takes them
SELECT options LIKE '%overwrite: %' FROM prod_help WHERE name = 'prod_backup_to';
.print == loading again is harmless
.load prodkit
SELECT prod_version();
.print == too many arguments, for a function and for a table
SELECT prod_version(1);
SELECT * FROM prod_help(1);
.print == a table cannot be created under another name, nor written
CREATE VIRTUAL TABLE mine USING prod_help;
INSERT INTO prod_help(name) VALUES ('x');
.print == a view in the file cannot reach what is for direct use only
CREATE VIEW curious AS SELECT prod_debug();
SELECT * FROM curious;
CREATE VIEW fine AS SELECT prod_version();
SELECT * FROM fine;
.print == a parameter is a hidden column: argument, WHERE and join say the same
ATTACH ':memory:' AS aux;
CREATE TABLE aux.t(x);
SELECT name FROM prod_fragmentation('aux', 'fast') WHERE name = 't';
SELECT name FROM prod_fragmentation WHERE schema = 'aux' AND tier = 'fast' AND name = 't';
SELECT d.name, f.name FROM pragma_database_list d JOIN prod_fragmentation(d.name, 'fast') f WHERE f.name = 't';
SELECT f.schema, f.tier, f.name FROM prod_fragmentation f WHERE f.schema IN ('main', 'aux') AND f.name = 't';
