# The main job of prodkit from Ruby (gem or package sqlite3).
#
#     ruby host.rb ./prodkit.so app.db 'SELECT … WHERE …'
#
# Prints a line for each step. The backups are written beside the database.
require "sqlite3"

prodkit, path, query = ARGV

db = SQLite3::Database.new(path)
db.enable_load_extension(true)
db.load_extension(prodkit)
db.enable_load_extension(false)

STEPS = [
  ["help", "SELECT nullif(count(*), 0) || ' names' FROM prod_help"],
  ["configure", "SELECT json_extract(prod_configure(), '$.profile')"],
  ["health", "SELECT json_extract(prod_health(), '$.status')"],
  ["backup", "SELECT json_extract(prod_backup_to(?), '$.bytes')",
   "#{path}.backup"],
  ["gzip backup", "SELECT json_extract(prod_backup_to(?, 6), '$.bytes')",
   "#{path}.backup.gz"],
  ["fragmentation", "SELECT name || ', ' || pages || ' pages'
     FROM prod_fragmentation ORDER BY pages DESC LIMIT 1"],
  ["index advice", "SELECT ddl FROM prod_index_advice(?)", query],
].freeze

STEPS.each do |name, sql, *parameters|
  value = db.get_first_value(sql, parameters)
  abort "#{name}: empty" unless value
  puts "#{name}: #{value}"
end
