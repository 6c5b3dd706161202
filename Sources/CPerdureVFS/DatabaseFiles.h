// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef DATABASEFILES_H
#define DATABASEFILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CPerdureVFS.h"
#include "LogBuffer.h"
#include "LogNotes.h"

#include <sqlite3.h>

/// Which of the two files. The value is where its operations begin.
enum { DATABASE = PERDURE_DB_OPEN, LOG = PERDURE_WAL_OPEN };

/// An open file, as SQLite allocates it.
typedef struct {
    sqlite3_file base;
    perdure_files *files;
    /// DATABASE or LOG.
    int kind;
    /// The level that SQLite believes to hold. A matter of this connection, as nobody else may open the file.
    int lock;
    /// Written by SQLite and not yet to the file. Used for the log only.
    log_buffer buffer;
} open_file;

struct perdure_files {
    perdure_files *next;
    char *path;
    int database;
    int log;
    /// The owner, and each of the two that SQLite has open. Guarded by the mutex of the list.
    int users;
    bool database_is_open;
    /// The log, while SQLite has it open.
    open_file *open_log;
    atomic_bool is_withdrawn;
    atomic_bool is_suspended;
    // Used by the connection's thread only.
    log_notes log_notes;
    bool has_failed;
    perdure_failure failure;
    uint64_t counts[PERDURE_OPERATIONS];
    uint64_t bytes[PERDURE_OPERATIONS];
};

/// The files on offer of which the path with `suffix` is `name`; NULL when there are none.
perdure_files *perdure_files_find(const char *name, const char *suffix);

/// Finds the same and takes one of the two into use, which has to be free. NULL if not.
perdure_files *perdure_files_enter(const char *name, int kind, open_file *file);

/// Gives up what perdure_files_enter() took, and frees the files if they were withdrawn.
void perdure_files_leave(open_file *file);

/// The errno value behind the last failure or refusal on this thread (xGetLastError).
extern _Thread_local int perdure_last_error;

/// SQLITE_OK, or `code` when the files are withdrawn or suspended or an operation on them has failed.
int perdure_files_refuse(const perdure_files *files, int code);

/// Records a failure, which is the end of the connection. Returns `code`.
int perdure_files_fail(perdure_files *files, int operation, int64_t offset, int error, int code);

#endif
