// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "DatabaseFiles.h"

#include "FileMethods.h"
#include "VFS.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

_Thread_local int perdure_last_error;

// What is on offer. A process has few leases at a time, and looks here twice for each: a list will do.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static perdure_files *list;

static bool is_named(const perdure_files *files, const char *name, const char *suffix) {
    size_t length = strlen(files->path);
    return strncmp(name, files->path, length) == 0 && strcmp(name + length, suffix) == 0;
}

static perdure_files *find(const char *name, const char *suffix) {
    perdure_files *files = list;
    while (files != NULL && !is_named(files, name, suffix)) files = files->next;
    return files;
}

// The caller holds the mutex, and lets go of it before the last user frees.
static bool is_last_user(perdure_files *files) {
    files->users -= 1;
    return files->users == 0;
}

static void release(perdure_files *files) {
    free(files->path);
    free(files);
}

int perdure_files_offer(const char *path, int database, int log, perdure_files **result) {
    *result = NULL;
    if (path[0] != '/') return EINVAL;
    if (perdure_vfs_register() != SQLITE_OK) return ENOMEM;
    perdure_files *files = calloc(1, sizeof *files);
    char *copy = strdup(path);
    if (files == NULL || copy == NULL) {
        free(files);
        free(copy);
        return ENOMEM;
    }
    files->path = copy;
    files->database = database;
    files->log = log;
    files->users = 1;
    pthread_mutex_lock(&mutex);
    bool is_free = find(path, "") == NULL;
    if (is_free) {
        files->next = list;
        list = files;
    }
    pthread_mutex_unlock(&mutex);
    if (!is_free) {
        release(files);
        return EEXIST;
    }
    *result = files;
    return 0;
}

// Takes the files from the list, if they are on it. The caller holds the mutex.
static void unlist(perdure_files *files) {
    for (perdure_files **link = &list; *link != NULL; link = &(*link)->next) {
        if (*link == files) {
            *link = files->next;
            break;
        }
    }
}

void perdure_files_suspend(perdure_files *files) {
    atomic_store(&files->is_suspended, true);
    pthread_mutex_lock(&mutex);
    unlist(files);
    pthread_mutex_unlock(&mutex);
    // Memory that may not be wanted again for long.
    if (files->open_log != NULL && files->open_log->buffer.count == 0) perdure_log_buffer_free(&files->open_log->buffer);
}

int perdure_files_resume(perdure_files *files) {
    pthread_mutex_lock(&mutex);
    bool is_free = find(files->path, "") == NULL;
    if (is_free) {
        files->next = list;
        list = files;
    }
    pthread_mutex_unlock(&mutex);
    if (!is_free) return EEXIST;
    atomic_store(&files->is_suspended, false);
    return 0;
}

void perdure_files_withdraw(perdure_files *files) {
    atomic_store(&files->is_withdrawn, true);
    pthread_mutex_lock(&mutex);
    unlist(files);
    bool is_last = is_last_user(files);
    pthread_mutex_unlock(&mutex);
    if (is_last) release(files);
}

perdure_files *perdure_files_find(const char *name, const char *suffix) {
    pthread_mutex_lock(&mutex);
    perdure_files *files = find(name, suffix);
    pthread_mutex_unlock(&mutex);
    return files;
}

perdure_files *perdure_files_enter(const char *name, int kind, open_file *file) {
    pthread_mutex_lock(&mutex);
    perdure_files *files = find(name, kind == LOG ? "-wal" : "");
    if (files != NULL && (kind == LOG ? files->open_log != NULL : files->database_is_open)) files = NULL;
    if (files != NULL) {
        files->users += 1;
        if (kind == LOG) {
            files->open_log = file;
            files->log_notes = (log_notes){0};
        } else {
            files->database_is_open = true;
        }
    }
    pthread_mutex_unlock(&mutex);
    return files;
}

void perdure_files_leave(open_file *file) {
    perdure_files *files = file->files;
    pthread_mutex_lock(&mutex);
    if (file->kind == LOG) {
        files->open_log = NULL;
    } else {
        files->database_is_open = false;
    }
    bool is_last = is_last_user(files);
    pthread_mutex_unlock(&mutex);
    if (is_last) release(files);
}

int perdure_files_refuse(const perdure_files *files, int code) {
    if (atomic_load_explicit(&files->is_withdrawn, memory_order_relaxed) ||
        atomic_load_explicit(&files->is_suspended, memory_order_relaxed)) {
        perdure_last_error = EBADF;
        return code;
    }
    if (files->has_failed) {
        perdure_last_error = files->failure.error;
        return code;
    }
    return SQLITE_OK;
}

int perdure_files_fail(perdure_files *files, int operation, int64_t offset, int error, int code) {
    if (!files->has_failed) {
        files->has_failed = true;
        files->failure = (perdure_failure){.operation = operation, .error = error, .offset = offset};
    }
    perdure_last_error = error;
    return code;
}

uint64_t perdure_files_count(const perdure_files *files, int operation) {
    return perdure_operation_name(operation) == NULL ? 0 : files->counts[operation];
}

uint64_t perdure_files_bytes(const perdure_files *files, int operation) {
    return perdure_operation_name(operation) == NULL ? 0 : files->bytes[operation];
}

bool perdure_files_failure(const perdure_files *files, perdure_failure *failure) {
    if (files->has_failed) *failure = files->failure;
    return files->has_failed;
}

bool perdure_files_are_withdrawn(const perdure_files *files) {
    return atomic_load(&files->is_withdrawn) || atomic_load(&files->is_suspended);
}

bool perdure_files_log_end(const perdure_files *files, perdure_log_end *end) {
    bool is_settled = !files->has_failed && files->open_log != NULL && files->open_log->buffer.count == 0;
    return is_settled && perdure_log_notes_end(&files->log_notes, end);
}

const perdure_files *perdure_files_of_connection(struct sqlite3 *connection) {
    if (connection == NULL) return NULL;
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (result != SQLITE_OK || file == NULL || file->pMethods != &perdure_file_methods) return NULL;
    return ((open_file *)file)->files;
}
