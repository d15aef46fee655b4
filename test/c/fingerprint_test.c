/*
** fingerprint_test.c: units of base/token and query/fingerprint: the form of a
** statement, and what decides about it.
*/
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/token.h"
#include "query/fingerprint.h"

#define ROWS(list) (sizeof(list) / sizeof *(list))

static void test_tokens(void **state) {
  static const struct {
    const char *sql;
    const char *tokens; /* kind and text of each, in brackets */
  } cases[] = {
      {"", ""},
      {" \t\n-- only\n/* this */", ""},
      {"a1 _b $c é", "<0 a1><0 _b><4 $c><0 é>"},
      {"\"a\"\"b\" [c]] `d``e`", "<1 \"a\"\"b\"><1 [c]><6 ]><1 `d``e`>"},
      {"1 .5 1. 1.5e-3 1e 0x1F 0x 1_000",
       "<2 1><2 .5><2 1.><2 1.5e-3><2 1>"
       "<0 e><2 0x1F><2 0><0 x><2 1_000>"},
      {"'it''s' x'00' X'ab'", "<3 'it''s'><3 x'00'><3 X'ab'>"},
      {"? ?12 :a @b $c $d::e(f) #g",
       "<4 ?><4 ?12><4 :a><4 @b><4 $c><4 $d::e(f)><4 #g>"},
      {"a->>'$.x'||b<=c", "<0 a><5 ->>><3 '$.x'><5 ||><0 b><5 <=><0 c>"},
      {"a-b/*c*/-d--e", "<0 a><5 -><0 b><5 -><0 d>"},
      {"'open", "<3 'open>"},
      {"\"open", "<1 \"open>"},
      {"/* open", ""},
      {"a ! b \\", "<0 a><6 !><0 b><6 \\>"},
  };
  (void)state;
  for (size_t i = 0; i < ROWS(cases); i++) {
    char found[300] = "";
    pk_token token;
    const char *rest = cases[i].sql;
    while ((rest = pk_token_next(rest, &token)))
      snprintf(found + strlen(found), sizeof found - strlen(found), "<%d %.*s>",
               token.kind, (int)token.bytes, token.text);
    assert_string_equal(found, cases[i].tokens);
  }
}

static void assert_form(const char *sql, const char *expected) {
  char form[1000], again[1000];
  sqlite3_uint64 fingerprint = pk_fingerprint(sql, form, sizeof form);
  assert_string_equal(form, expected);
  assert_true(pk_fingerprint(form, again, sizeof again) == fingerprint);
  assert_string_equal(again, form);
}

static void test_forms(void **state) {
  static const struct {
    const char *sql, *form;
  } cases[] = {
      {"", ""},
      {"SELECT 1", "select ?"},
      {"SELECT  *\nFROM Orders -- all\n WHERE id=7 ;; ",
       "select * from orders where id = ?"},
      {"select * from orders where id = :id",
       "select * from orders where id = ?"},
      {"SELECT 'a', x'00', 1.5e3, 0x1F, ?3, @v, $w",
       "select ?, ?, ?, ?, ?, ?, ?"},
      /* names */
      {"SELECT \"A b\", [C], `d` FROM log_2025",
       "select \"A b\", [C], `d` from log_2025"},
      {"select a . b, t.* from main.t", "select a.b, t.* from main.t"},
      /* signs */
      {"select -5, - 5, +5, - -5, a-5, a - -5, -x, (-5), f(-5)",
       "select ?, ?, ?, ?, a - ?, a - ?, - x, (?), f(?)"},
      {"where a>-1 limit -1", "where a > ? limit ?"},
      {"select 1 - - - x", "select ? - - - x"},
      /* NULL, TRUE and FALSE */
      {"select null, true where a is null and b is not true and not false",
       "select ?, ? where a is null and b is not true and not false"},
      {"create table t(a default null, b references u on delete set null)",
       "create table t(a default null, b references u on delete set null)"},
      /* lists */
      {"a in (1)", "a in (?)"},
      {"a IN(1,2 , 3,NULL,-4,:x)", "a in (?)"},
      {"a not in ('x')", "a not in (?)"},
      {"a in ()", "a in ()"},
      {"a in (1, b)", "a in (?, b)"},
      {"a in (select 1, 2)", "a in (select ?, ?)"},
      {"a in (1,2", "a in (?, ?"},
      {"f(1,2)", "f(?, ?)"},
      /* rows */
      {"insert into t values(1,2)", "insert into t values (?, ?)"},
      {"insert into t values(1,'a'),(2,'b') , (-3,null)",
       "insert into t values (?, ?)"},
      {"values (1),(a),(b),(2)", "values (?), (a), (b), (?)"},
      {"values (1, f(2)), (3, f(4)) on conflict do nothing",
       "values (?, f(?)) on conflict do nothing"},
      {"values (1), (1, 2)", "values (?), (?, ?)"},
      {"values (1, (2)), (3", "values (?, (?)), (?"},
      {"with c(x) as (values (1),(2)) select * from c",
       "with c(x) as (values (?)) select * from c"},
      /* brackets and operators */
      {"select count ( * ),max(a,b) from(select 1)where exists(select 2)",
       "select count(*), max(a, b) from (select ?) where exists (select ?)"},
      {"select a||b,a->>'$.x',a<>b,a==b",
       "select a || b, a ->> ?, a <> b, a == b"},
      {"select 1; select 2;", "select ?; select ?"},
      {";;select 1", ";; select ?"},
  };
  (void)state;
  for (size_t i = 0; i < ROWS(cases); i++)
    assert_form(cases[i].sql, cases[i].form);
}

/* The numbers are in people's files: they must never change. */
static void test_fingerprints(void **state) {
  char form[10];
  (void)state;
  assert_true(pk_fingerprint("", form, sizeof form) == 0xcbf29ce484222325u);
  assert_true(pk_fingerprint("a", form, sizeof form) == 0xaf63dc4c8601ec8cu);
  assert_true(pk_fingerprint("SELECT * FROM orders WHERE id IN (1,2)", form,
                             sizeof form) == 0x1d56173345d1d65du);
}

static void test_cut_between_characters(void **state) {
  static const char sql[] = "\"éé\"";
  static const char *const cut[] = {"",    "\"",   "\"",     "\"é",
                                    "\"é", "\"éé", "\"éé\"", "\"éé\""};
  char form[9];
  (void)state;
  for (size_t room = 1; room <= ROWS(cut); room++) {
    memset(form, 'x', sizeof form);
    pk_fingerprint(sql, form, room);
    assert_string_equal(form, cut[room - 1]);
  }
}

static void test_long_statements(void **state) {
  const size_t rows = 100000;
  char *sql = malloc(rows * 8 + 100), form[100];
  (void)state;
  size_t bytes = (size_t)sprintf(sql, "insert into t values ");
  for (size_t i = 0; i < rows; i++)
    bytes +=
        (size_t)sprintf(sql + bytes, "%s(%d,2)", i ? "," : "", (int)(i % 10));
  pk_fingerprint(sql, form, sizeof form);
  assert_string_equal(form, "insert into t values (?, ?)");
  bytes = (size_t)sprintf(sql, "select * from t where a in (");
  for (size_t i = 0; i < rows; i++)
    bytes += (size_t)sprintf(sql + bytes, "%s%d", i ? "," : "", (int)(i % 10));
  sprintf(sql + bytes, ")");
  pk_fingerprint(sql, form, sizeof form);
  assert_string_equal(form, "select * from t where a in (?)");
  free(sql);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tokens),
      cmocka_unit_test(test_forms),
      cmocka_unit_test(test_fingerprints),
      cmocka_unit_test(test_cut_between_characters),
      cmocka_unit_test(test_long_statements),
  };
  return cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
}
