<?php
// The main job of prodkit from PHP. PHP loads extensions of SQLite only from
// the folder that sqlite3.extension_dir names, in php.ini or so:
//
//     php -d sqlite3.extension_dir=/usr/local/lib \
//         host.php /usr/local/lib/prodkit.so app.db 'SELECT … WHERE …'
//
// Prints a line for each step. The backups are written beside the database.
// A prepared statement of class SQLite3 runs twice, once in execute() and once
// in fetchArray(): functions that act are called by querySingle().
[, $prodkit, $path, $query] = $argv;

$db = new SQLite3($path);
$db->enableExceptions(true);
$db->loadExtension(basename($prodkit));

$quoted = fn($text) => "'" . SQLite3::escapeString($text) . "'";
$plain = $quoted("$path.backup");
$gzip = $quoted("$path.backup.gz");

$steps = [
    'help' => "SELECT nullif(count(*), 0) || ' names' FROM prod_help",
    'configure' => "SELECT json_extract(prod_configure(), '$.profile')",
    'health' => "SELECT json_extract(prod_health(), '$.status')",
    'backup' => "SELECT json_extract(prod_backup_to($plain), '$.bytes')",
    'gzip backup' => "SELECT json_extract(prod_backup_to($gzip, 6), '$.bytes')",
    'fragmentation' => "SELECT name || ', ' || pages || ' pages'
        FROM prod_fragmentation ORDER BY pages DESC LIMIT 1",
    'index advice' => "SELECT ddl FROM prod_index_advice({$quoted($query)})",
];

foreach ($steps as $name => $sql) {
    $value = $db->querySingle($sql);
    if (!$value) {
        throw new RuntimeException("$name: empty");
    }
    echo "$name: $value\n";
}
