<?php
// The main job of prodkit from PHP. PHP loads extensions of SQLite only from
// the folder that sqlite3.extension_dir names, in php.ini or so:
//
//     php -d sqlite3.extension_dir=/usr/local/lib \
//         host.php /usr/local/lib/prodkit.so app.db 'SELECT … WHERE …'
//
// Prints a line for each step. The backups are written beside the database.
[, $prodkit, $path, $query] = $argv;

$db = new SQLite3($path);
$db->enableExceptions(true);
$db->loadExtension(basename($prodkit));

$steps = [
    ['help', "SELECT nullif(count(*), 0) || ' names' FROM prod_help"],
    ['configure', "SELECT json_extract(prod_configure(), '$.profile')"],
    ['health', "SELECT json_extract(prod_health(), '$.status')"],
    ['backup', "SELECT json_extract(prod_backup_to(?1), '$.bytes')",
        "$path.backup"],
    ['gzip backup', "SELECT json_extract(prod_backup_to(?1, 6), '$.bytes')",
        "$path.backup.gz"],
    ['fragmentation', "SELECT name || ', ' || pages || ' pages'
        FROM prod_fragmentation ORDER BY pages DESC LIMIT 1"],
    ['index advice', "SELECT ddl FROM prod_index_advice(?1)", $query],
];

foreach ($steps as $step) {
    [$name, $sql] = $step;
    $statement = $db->prepare($sql);
    if (isset($step[2])) {
        $statement->bindValue(1, $step[2]);
    }
    $row = $statement->execute()->fetchArray(SQLITE3_NUM);
    if (!$row || !$row[0]) {
        throw new RuntimeException("$name: empty");
    }
    echo "$name: $row[0]\n";
}
