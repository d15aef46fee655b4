# The main job of prodkit from Perl (DBD::SQLite).
#
#     perl host.pl ./prodkit.so app.db 'SELECT … WHERE …'
#
# Prints a line for each step. The backups are written beside the database.
use strict;
use warnings;
use DBI;

my ($prodkit, $path, $query) = @ARGV;

my $db = DBI->connect("dbi:SQLite:dbname=$path", '', '',
                      {RaiseError => 1, PrintError => 0});
$db->sqlite_enable_load_extension(1);
$db->do('SELECT load_extension(?)', undef, $prodkit);
$db->sqlite_enable_load_extension(0);

my @steps = (
    ['help', q{SELECT nullif(count(*), 0) || ' names' FROM prod_help}],
    ['configure', q{SELECT json_extract(prod_configure(), '$.profile')}],
    ['health', q{SELECT json_extract(prod_health(), '$.status')}],
    ['backup', q{SELECT json_extract(prod_backup_to(?), '$.bytes')},
     "$path.backup"],
    ['gzip backup', q{SELECT json_extract(prod_backup_to(?, 6), '$.bytes')},
     "$path.backup.gz"],
    ['fragmentation', q{SELECT name || ', ' || pages || ' pages'
        FROM prod_fragmentation ORDER BY pages DESC LIMIT 1}],
    ['index advice', q{SELECT ddl FROM prod_index_advice(?)}, $query],
);

for (@steps) {
    my ($name, $sql, @parameters) = @$_;
    my ($value) = $db->selectrow_array($sql, undef, @parameters);
    die "$name: empty\n" unless $value;
    print "$name: $value\n";
}
