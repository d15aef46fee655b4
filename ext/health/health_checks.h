/*
** health_checks.h: the checks of prod_health on the database itself: its file,
** its log, its schema, and how the connection that asks is set.
**
** Each judges as health_findings.h says. pk_check_readable comes first: it
** gathers the facts of the file for all others, and where the database cannot
** be read they are not called.
*/
#ifndef PK_HEALTH_CHECKS_H
#define PK_HEALTH_CHECKS_H

#include "health_findings.h"

/* The schema can be read. Holds a read transaction while it gathers. */
int pk_check_readable(pk_health_facts *, pk_finding *, pk_error *);

/* The first 100 bytes of the file are as the format says. */
int pk_check_header(pk_health_facts *, pk_finding *, pk_error *);

/* The file is as long as its pages. */
int pk_check_page_count(pk_health_facts *, pk_finding *, pk_error *);

int pk_check_free_pages(pk_health_facts *, pk_finding *, pk_error *);
int pk_check_wal_size(pk_health_facts *, pk_finding *, pk_error *);
int pk_check_wal_pinned(pk_health_facts *, pk_finding *, pk_error *);
int pk_check_journal_mode(pk_health_facts *, pk_finding *, pk_error *);

/* For information, unless the option `connection` says that the connection
** that asks is the application's. */
int pk_check_busy_timeout(pk_health_facts *, pk_finding *, pk_error *);
int pk_check_foreign_keys(pk_health_facts *, pk_finding *, pk_error *);

/* The host's SQLite has no WAL-reset bug. For information: no test tells
** whether a distribution has mended it under an older number. */
int pk_check_host(pk_health_facts *, pk_finding *, pk_error *);

/* The planner has statistics, where it has use for them. */
int pk_check_statistics(pk_health_facts *, pk_finding *, pk_error *);

/* What prod_integrity found last. */
int pk_check_integrity(pk_health_facts *, pk_finding *, pk_error *);

/* PRAGMA quick_check or integrity_check, by the check's name. Reads every
** page; a file that is not in memory is read ahead first. */
int pk_check_pages(pk_health_facts *, pk_finding *, pk_error *);

/* PRAGMA foreign_key_check. A row without a parent is a warning: the file
** serves as before; the data wants mending. */
int pk_check_references(pk_health_facts *, pk_finding *, pk_error *);

#endif
