/*
** token.h: SQL text, token by token, as SQLite's own tokenizer divides it
** (https://sqlite.org/lang_keywords.html,
** https://sqlite.org/draft/tokenreq.html).
**
**     pk_token token;
**     for (const char *rest = sql; (rest = pk_token_next(rest, &token)); )
**       printf("%.*s\n", (int)token.bytes, token.text);
**
** White space and comments are passed over. Whatever the text is, each step
** goes on by at least one byte and never beyond the final NUL: what SQLite
** would refuse comes out as PK_ILLEGAL, and a literal or name without its end
** reaches to the end of the text.
*/
#ifndef PK_TOKEN_H
#define PK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum pk_token_kind {
  PK_WORD,      /* a keyword or a bare name */
  PK_QUOTED,    /* a name in "", [] or `` */
  PK_NUMBER,    /* 1, 1.5e3, 0x1f, 1_000 */
  PK_STRING,    /* 'text' or x'ab' */
  PK_PARAMETER, /* ?, ?1, :name, @name, $name */
  PK_OPERATOR,  /* punctuation too: ( ) , ; . */
  PK_ILLEGAL,   /* one byte that begins no token */
} pk_token_kind;

typedef struct pk_token {
  pk_token_kind kind;
  const char *text; /* within the SQL */
  size_t bytes;
} pk_token;

/* Reads the next token and gives what follows it; NULL at the end. */
const char *pk_token_next(const char *sql, pk_token *token);

/* Is it this operator, or this word in whatever case? */
bool pk_token_is(const pk_token *token, const char *text);

/* Is it this name, bare or in quotes, in whatever case? */
bool pk_token_names(const pk_token *token, const char *name);

/* Is this name anywhere in the text? */
bool pk_token_mentions(const char *sql, const char *name);

#endif
