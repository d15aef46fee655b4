// The main job of prodkit from Go (github.com/mattn/go-sqlite3).
//
//	go run host.go ./prodkit.so app.db 'SELECT … WHERE …'
//
// Prints a line for each step. The backups are written beside the database.
// Drivers in pure Go, such as modernc.org/sqlite, cannot load extensions.
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"

	"github.com/mattn/go-sqlite3"
)

type step struct {
	name, sql  string
	parameters []any
}

func main() {
	log.SetFlags(0)
	prodkit, path, query := os.Args[1], os.Args[2], os.Args[3]

	sql.Register("sqlite3_prodkit",
		&sqlite3.SQLiteDriver{Extensions: []string{prodkit}})
	db, err := sql.Open("sqlite3_prodkit", path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	steps := []step{
		{"help", `SELECT nullif(count(*), 0) || ' names' FROM prod_help`, nil},
		{"configure", `SELECT json_extract(prod_configure(), '$.profile')`, nil},
		{"health", `SELECT json_extract(prod_health(), '$.status')`, nil},
		{"backup", `SELECT json_extract(prod_backup_to(?), '$.bytes')`,
			[]any{path + ".backup"}},
		{"gzip backup", `SELECT json_extract(prod_backup_to(?, 6), '$.bytes')`,
			[]any{path + ".backup.gz"}},
		{"fragmentation", `SELECT name || ', ' || pages || ' pages'
			FROM prod_fragmentation ORDER BY pages DESC LIMIT 1`, nil},
		{"index advice", `SELECT ddl FROM prod_index_advice(?)`, []any{query}},
	}
	for _, s := range steps {
		var value string // Scan fails for NULL and for no row
		if err := db.QueryRow(s.sql, s.parameters...).Scan(&value); err != nil {
			log.Fatalf("%s: %v", s.name, err)
		}
		fmt.Printf("%s: %s\n", s.name, value)
	}
}
