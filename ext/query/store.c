/* store.c: see store.h. */
#include "store.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../base/clock.h"
#include "fingerprint.h"

/* Guards everything below. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct store {
  pk_store_state state;
  pk_entry **entries; /* room for settings.max_entries */
  int *index;         /* of entries by key: linear probing, -1 is free */
  unsigned index_mask;
  pk_slow *slow; /* a ring with room for settings.slow_entries */
  sqlite3_int64 next_slow;
} store = {.state.settings = {
               .max_entries = 5000, .slow_ms = 100, .slow_entries = 200}};

/* Read by connections without the mutex. Generation 0 is nobody's. */
static atomic_uint generation = 1;
static atomic_llong slow_ns = 100 * 1000 * 1000;
static atomic_bool page_cache = false;

static char *copy_text(const char *text) {
  return text ? sqlite3_mprintf("%s", text) : NULL;
}

/* A word at a time, for texts that are hashed again and again. */
sqlite3_uint64 pk_store_hash(const char *text) {
  size_t bytes = strlen(text);
  sqlite3_uint64 hash = bytes * 0x9e3779b97f4a7c15u, word = 0;
  for (; bytes >= sizeof word; bytes -= sizeof word, text += sizeof word) {
    memcpy(&word, text, sizeof word);
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    hash ^= hash >> 32;
  }
  word = 0;
  memcpy(&word, text, bytes);
  hash = (hash ^ word) * 0x9fb21c651e98df25u;
  return hash ^ hash >> 29;
}

/* ---- entries ---- */

void pk_entry_free(pk_entry *entry) {
  if (!entry) return;
  sqlite3_free(entry->database.file);
  sqlite3_free(entry->form);
  sqlite3_free(entry->sample);
  sqlite3_free(entry);
}

void pk_entries_free(pk_entry **entries, int count) {
  for (int i = 0; i < count; i++) pk_entry_free(entries[i]);
  sqlite3_free(entries);
}

static pk_entry *copy_entry(const pk_entry *entry) {
  pk_entry *copy = sqlite3_malloc(sizeof *copy);
  if (!copy) return NULL;
  *copy = *entry;
  copy->database.file = copy_text(entry->database.file);
  copy->form = copy_text(entry->form);
  copy->sample = copy_text(entry->sample);
  if (copy->database.file && copy->form && (copy->sample || !entry->sample))
    return copy;
  pk_entry_free(copy);
  return NULL;
}

/* What is too long to be kept whole is not kept. */
static char *copy_sample(const char *sql) {
  return strlen(sql) < PK_SAMPLE_BYTES ? copy_text(sql) : NULL;
}

static pk_entry *new_entry(const pk_database *database, const char *sql,
                           sqlite3_uint64 fingerprint) {
  char form[PK_FORM_BYTES];
  pk_entry *entry = sqlite3_malloc(sizeof *entry);
  if (!entry) return NULL;
  pk_fingerprint(sql, form, sizeof form);
  *entry = (pk_entry){
      .fingerprint = fingerprint,
      .database = {.file = copy_text(database->file), .hash = database->hash},
      .form = copy_text(form),
      .sample = copy_sample(sql)};
  if (entry->database.file && entry->form) return entry;
  pk_entry_free(entry);
  return NULL;
}

static void add_run(pk_entry *to, const pk_execution *run) {
  double ns = (double)run->nanoseconds;
  bool first = to->calls == 0;
  if (first || run->nanoseconds < to->min_ns) to->min_ns = run->nanoseconds;
  if (run->nanoseconds > to->max_ns) to->max_ns = run->nanoseconds;
  to->calls++;
  to->total_ns += run->nanoseconds;
  to->squares += ns * ns;
  to->latencies.calls[pk_latency_bucket(run->nanoseconds)]++;
  for (int i = 0; i < PK_COUNTERS; i++) to->counters[i] += run->counters[i];
  sqlite3_int64 steps = run->counters[PK_FULLSCAN_STEPS];
  to->fullscan_calls += steps > 0;
  if (steps > to->most_fullscan_steps) to->most_fullscan_steps = steps;
  to->readonly = run->readonly;
  if (first || run->at < to->first_seen) to->first_seen = run->at;
  if (run->at > to->last_seen) to->last_seen = run->at;
}

/* Adds up, to no more than there is room for. */
static void add_to(sqlite3_int64 *sum, sqlite3_int64 value) {
  *sum = *sum > LLONG_MAX - value ? LLONG_MAX : *sum + value;
}

static void add_entry(pk_entry *to, const pk_entry *other) {
  if (other->min_ns < to->min_ns) to->min_ns = other->min_ns;
  if (other->max_ns > to->max_ns) to->max_ns = other->max_ns;
  if (other->first_seen < to->first_seen) to->first_seen = other->first_seen;
  if (other->last_seen > to->last_seen) to->last_seen = other->last_seen;
  if (other->most_fullscan_steps > to->most_fullscan_steps)
    to->most_fullscan_steps = other->most_fullscan_steps;
  to->squares += other->squares;
  add_to(&to->calls, other->calls);
  add_to(&to->total_ns, other->total_ns);
  add_to(&to->fullscan_calls, other->fullscan_calls);
  for (int i = 0; i < PK_COUNTERS; i++)
    add_to(&to->counters[i], other->counters[i]);
  for (int i = 0; i < PK_LATENCY_BUCKETS; i++)
    add_to(&to->latencies.calls[i], other->latencies.calls[i]);
}

/* ---- finding entries ---- */

/* Where the index has the entry, or where it would stand. */
static int *slot_of(sqlite3_uint64 fingerprint, sqlite3_uint64 database) {
  unsigned at = (unsigned)(fingerprint ^ database);
  for (;; at++) {
    int *slot = &store.index[at & store.index_mask];
    const pk_entry *entry = *slot < 0 ? NULL : store.entries[*slot];
    if (!entry ||
        (entry->fingerprint == fingerprint && entry->database.hash == database))
      return slot;
  }
}

static void make_index(void) {
  memset(store.index, -1, ((size_t)store.index_mask + 1) * sizeof *store.index);
  for (int i = 0; i < store.state.entries; i++) {
    const pk_entry *entry = store.entries[i];
    *slot_of(entry->fingerprint, entry->database.hash) = i;
  }
}

static int by_total(const void *a, const void *b) {
  const pk_entry *one = *(pk_entry *const *)a, *other = *(pk_entry *const *)b;
  return (one->total_ns < other->total_ns) - (one->total_ns > other->total_ns);
}

/* No entry stands where it stood. */
static void begin_generation(void) {
  if (atomic_fetch_add(&generation, 1) + 1 == 0) atomic_store(&generation, 1);
}

/* Keeps the entries with the greatest total time. */
static void evict_to(sqlite3_int64 entries) {
  qsort(store.entries, (size_t)store.state.entries, sizeof *store.entries,
        by_total);
  while (store.state.entries > entries) {
    pk_entry_free(store.entries[--store.state.entries]);
    store.state.evicted++;
  }
  begin_generation();
  make_index();
}

/* Makes room for so many entries, of which there are no more now. */
static bool make_room(sqlite3_int64 max_entries) {
  unsigned size = 16;
  while (size < 2 * (sqlite3_uint64)max_entries) size *= 2;
  pk_entry **entries =
      sqlite3_malloc64((sqlite3_uint64)max_entries * sizeof *entries);
  int *index = sqlite3_malloc64((sqlite3_uint64)size * sizeof *index);
  if (!entries || !index) {
    sqlite3_free(entries);
    sqlite3_free(index);
    return false;
  }
  for (int i = 0; i < store.state.entries; i++) entries[i] = store.entries[i];
  sqlite3_free(store.entries);
  sqlite3_free(store.index);
  store.entries = entries;
  store.index = index;
  store.index_mask = size - 1;
  make_index();
  return true;
}

/* The room that the settings allow is made when it is first needed. */
static bool has_room(void) {
  return store.index || make_room(store.state.settings.max_entries);
}

/* Puts in an entry that is not there yet. */
static int insert(pk_entry *entry) {
  sqlite3_int64 most = store.state.settings.max_entries;
  if (store.state.entries == most) evict_to(most - 1 - most / 20);
  int at = (int)store.state.entries++;
  store.entries[at] = entry;
  *slot_of(entry->fingerprint, entry->database.hash) = at;
  return at;
}

/* The entry, made where it is missing; NULL for want of memory. */
static pk_entry *entry_of(const pk_database *database, const char *sql,
                          sqlite3_uint64 fingerprint, pk_place *place) {
  if (!has_room()) return NULL;
  int at = *slot_of(fingerprint, database->hash);
  if (at < 0) {
    pk_entry *entry = new_entry(database, sql, fingerprint);
    if (!entry) return NULL;
    at = insert(entry);
  }
  *place = (pk_place){.index = at, .generation = generation};
  return store.entries[at];
}

/* The entry of a record; NULL where it is gone. */
static pk_entry *entry_at(const pk_database *database,
                          const pk_record *record) {
  int at = record->place.index;
  if (record->place.generation != generation)
    at = *slot_of(record->fingerprint, database->hash);
  return at < 0 ? NULL : store.entries[at];
}

/* ---- slow executions ---- */

static void clear_slow(pk_slow *slow) {
  sqlite3_free(slow->database);
  sqlite3_free(slow->form);
  sqlite3_free(slow->sample);
}

void pk_slow_free(pk_slow *slow, int count) {
  for (int i = 0; i < count; i++) clear_slow(&slow[i]);
  sqlite3_free(slow);
}

static bool copy_slow(pk_slow *to, const pk_slow *from) {
  *to = *from;
  to->database = copy_text(from->database);
  to->form = copy_text(from->form);
  to->sample = copy_text(from->sample);
  return to->database && to->form && (to->sample || !from->sample);
}

static pk_slow *ring_at(sqlite3_int64 number) {
  return &store.slow[number % store.state.settings.slow_entries];
}

static bool add_slow(const pk_entry *entry, const char *sql,
                     const pk_execution *run) {
  pk_store_state *state = &store.state;
  sqlite3_int64 most = state->settings.slow_entries;
  if (most == 0) return true;
  if (!store.slow)
    store.slow = sqlite3_malloc64((sqlite3_uint64)most * sizeof *store.slow);
  if (!store.slow) return false;
  pk_slow slow = {.fingerprint = entry->fingerprint,
                  .database = copy_text(entry->database.file),
                  .form = copy_text(entry->form),
                  .sample = copy_sample(sql),
                  .literals = state->settings.literals,
                  .run = *run};
  if (!slow.database || !slow.form) {
    clear_slow(&slow);
    return false;
  }
  if (state->slow == most)
    clear_slow(ring_at(store.next_slow));
  else
    state->slow++;
  *ring_at(store.next_slow++) = slow;
  return true;
}

static void forget_slow(void) {
  for (; store.state.slow > 0; store.state.slow--)
    clear_slow(ring_at(store.next_slow - store.state.slow));
  sqlite3_free(store.slow);
  store.slow = NULL;
  store.next_slow = 0;
}

/* ---- what others call ---- */

bool pk_store_needs_text(const pk_place *place, const pk_execution *run) {
  return place->generation != generation || run->nanoseconds >= slow_ns;
}

bool pk_store_wants_page_cache(void) {
  return page_cache;
}

void pk_store_add(const pk_database *database, const char *sql,
                  sqlite3_uint64 fingerprint, const pk_execution *run,
                  pk_place *place) {
  pthread_mutex_lock(&mutex);
  pk_entry *entry = entry_of(database, sql, fingerprint, place);
  bool kept = entry != NULL;
  if (entry) add_run(entry, run);
  if (entry && !entry->sample) entry->sample = copy_sample(sql);
  if (entry && run->nanoseconds >= slow_ns) kept = add_slow(entry, sql, run);
  if (!kept) store.state.lost++;
  pthread_mutex_unlock(&mutex);
}

void pk_store_add_records(const pk_database *database, const pk_record *records,
                          int count) {
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < count; i++) {
    pk_entry *entry = entry_at(database, &records[i]);
    if (entry)
      add_run(entry, &records[i].run);
    else
      store.state.lost++;
  }
  pthread_mutex_unlock(&mutex);
}

pk_store_state pk_store_look(void) {
  pthread_mutex_lock(&mutex);
  pk_store_state state = store.state;
  pthread_mutex_unlock(&mutex);
  return state;
}

int pk_store_configure(const pk_store_settings *settings, pk_error *error) {
  bool done = true;
  pthread_mutex_lock(&mutex);
  pk_store_state *state = &store.state;
  if (state->since == 0) state->since = pk_utc_seconds();
  if (settings->max_entries != state->settings.max_entries) {
    if (state->entries > settings->max_entries) evict_to(settings->max_entries);
    done = make_room(settings->max_entries);
  }
  if (done && settings->slow_entries != state->settings.slow_entries)
    forget_slow();
  if (done) {
    double ns = settings->slow_ms * 1e6;
    state->settings = *settings;
    page_cache = settings->page_cache;
    slow_ns = ns < 9e18 ? (long long)ns : LLONG_MAX;
  }
  pthread_mutex_unlock(&mutex);
  return done ? SQLITE_OK : pk_fail_memory(error);
}

void pk_store_reset(void) {
  pthread_mutex_lock(&mutex);
  while (store.state.entries > 0)
    pk_entry_free(store.entries[--store.state.entries]);
  begin_generation();
  if (store.index) make_index();
  forget_slow();
  store.state.evicted = store.state.lost = 0;
  store.state.since = pk_utc_seconds();
  pthread_mutex_unlock(&mutex);
}

int pk_store_entries(pk_entry ***entries, int *count, pk_error *error) {
  *count = 0;
  pthread_mutex_lock(&mutex);
  int most = (int)store.state.entries;
  *entries = sqlite3_malloc64(((sqlite3_uint64)most + 1) * sizeof **entries);
  while (*entries && *count < most) {
    pk_entry *copy = copy_entry(store.entries[*count]);
    if (!copy) break;
    (*entries)[(*count)++] = copy;
  }
  pthread_mutex_unlock(&mutex);
  if (!*entries || *count < most) {
    pk_entries_free(*entries, *count);
    *entries = NULL;
    *count = 0;
    return pk_fail_memory(error);
  }
  qsort(*entries, (size_t)*count, sizeof **entries, by_total);
  return SQLITE_OK;
}

int pk_store_slow(pk_slow **slow, int *count, pk_error *error) {
  bool copied = true;
  *count = 0;
  pthread_mutex_lock(&mutex);
  int most = (int)store.state.slow;
  *slow = sqlite3_malloc64(((sqlite3_uint64)most + 1) * sizeof **slow);
  while (*slow && copied && *count < most) {
    const pk_slow *from = ring_at(store.next_slow - 1 - *count);
    copied = copy_slow(&(*slow)[(*count)++], from);
  }
  pthread_mutex_unlock(&mutex);
  if (*slow && copied) return SQLITE_OK;
  pk_slow_free(*slow, *count);
  *slow = NULL;
  *count = 0;
  return pk_fail_memory(error);
}

int pk_store_merge(pk_entry **entries, int count, pk_error *error) {
  pthread_mutex_lock(&mutex);
  if (store.state.since == 0) store.state.since = pk_utc_seconds();
  bool room = has_room();
  for (int i = 0; i < count; i++) {
    pk_entry *other = entries[i];
    entries[i] = NULL;
    int at = room ? *slot_of(other->fingerprint, other->database.hash) : -1;
    if (room && at < 0) {
      insert(other);
      continue;
    }
    if (room) add_entry(store.entries[at], other);
    pk_entry_free(other);
  }
  pthread_mutex_unlock(&mutex);
  return room ? SQLITE_OK : pk_fail_memory(error);
}
