// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef CSQLITE_SHIM_H
#define CSQLITE_SHIM_H

#include <sqlite3.h>

// What Swift does not import: variadic functions, and destructors that are integers cast to function pointers.

/// Sets a switch of the connection (sqlite3_db_config with an int and an int *). Returns a result code; `*now` is the
/// switch's state afterwards.
static inline int csqlite_db_config(sqlite3 *db, int option, int on, int *now) {
    return sqlite3_db_config(db, option, on, now);
}

/// Binds UTF-8 text, which SQLite copies. `text` must not be NULL: that would bind an SQL NULL.
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/// Binds bytes, which SQLite copies. `bytes` must not be NULL: that would bind an SQL NULL.
static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Says whether the WAL file stays after the last close (SQLITE_FCNTL_PERSIST_WAL with 0 or 1). Returns a result code.
static inline int csqlite_set_persist_wal(sqlite3 *db, int on) {
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

#endif
