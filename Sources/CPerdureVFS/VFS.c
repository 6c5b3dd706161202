// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#include "VFS.h"

#include "DatabaseFiles.h"
#include "FileMethods.h"
#include "FileOperations.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

// SQLite's own layer, for what has nothing to do with files.
static sqlite3_vfs *standard;

// Opens what is on offer and nothing else. SQLite asks for other files too (journals, temporary files), which would
// hold contents of the database outside of the two that are locked: they stay in memory (temp_store=MEMORY) or fail.
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags) {
    (void)vfs;
    open_file *file = (open_file *)base;
    // "if the xOpen method fails, pMethods must be NULL or xClose is called".
    memset(file, 0, sizeof *file);
    int kind = flags & SQLITE_OPEN_WAL ? LOG : DATABASE;
    perdure_files *files = NULL;
    if (name != NULL && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) files = perdure_files_enter(name, kind, file);
    if (files == NULL) {
        perdure_last_error = ENOENT;
        return SQLITE_CANTOPEN;
    }
    file->files = files;
    file->kind = kind;
    file->lock = SQLITE_LOCK_NONE;
    file->base.pMethods = &perdure_file_methods;
    if (out_flags != NULL) *out_flags = flags;
    return SQLITE_OK;
}

// The log is locked as an inode, so deleting it means emptying it. SQLite does so beside a database without pages.
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    (void)sync_folder;
    perdure_files *files = perdure_files_find(name, "-wal");
    if (files == NULL) {
        perdure_last_error = ENOENT;
        return SQLITE_IOERR_DELETE;
    }
    return perdure_log_empty(files);
}

// As in SQLite's own layer an empty file counts as none. There are no other files than those on offer; a rollback
// journal that another program left behind is for the user of this layer to look for.
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)vfs;
    (void)flags;
    *result = 0;
    perdure_files *files = perdure_files_find(name, "-wal");
    if (files == NULL) return SQLITE_OK;
    int refusal = perdure_files_refuse(files, SQLITE_IOERR_ACCESS);
    if (refusal != SQLITE_OK) return refusal;
    int64_t size;
    if (perdure_files_size(files, LOG, &size) != SQLITE_OK) return SQLITE_IOERR_ACCESS;
    *result = size > 0;
    return SQLITE_OK;
}

// The name is a key in the list of offers: nothing is resolved.
static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int count, char *full) {
    (void)vfs;
    size_t length = strlen(name);
    if (length >= (size_t)count) return SQLITE_CANTOPEN;
    memcpy(full, name, length + 1);
    return SQLITE_OK;
}

// Extensions are code, and come from elsewhere.
static void *vfs_dl_open(sqlite3_vfs *vfs, const char *name) {
    (void)vfs;
    (void)name;
    return NULL;
}

static void vfs_dl_error(sqlite3_vfs *vfs, int count, char *message) {
    (void)vfs;
    sqlite3_snprintf(count, message, "%s", "extensions cannot be loaded here");
}

static void (*vfs_dl_sym(sqlite3_vfs *vfs, void *library, const char *symbol))(void) {
    (void)vfs;
    (void)library;
    (void)symbol;
    return NULL;
}

static void vfs_dl_close(sqlite3_vfs *vfs, void *library) {
    (void)vfs;
    (void)library;
}

static int vfs_randomness(sqlite3_vfs *vfs, int count, char *bytes) {
    (void)vfs;
    return standard->xRandomness(standard, count, bytes);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return standard->xSleep(standard, microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *days) {
    (void)vfs;
    return standard->xCurrentTime(standard, days);
}

static int vfs_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
    (void)vfs;
    return standard->xCurrentTimeInt64(standard, milliseconds);
}

static int vfs_get_last_error(sqlite3_vfs *vfs, int count, char *message) {
    (void)vfs;
    (void)count;
    (void)message;
    return perdure_last_error;
}

static sqlite3_vfs vfs = {
    .iVersion = 2,
    .szOsFile = sizeof(open_file),
    // The longest path on Linux.
    .mxPathname = 4096,
    .zName = PERDURE_VFS_NAME,
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_pathname,
    .xDlOpen = vfs_dl_open,
    .xDlError = vfs_dl_error,
    .xDlSym = vfs_dl_sym,
    .xDlClose = vfs_dl_close,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_current_time,
    .xGetLastError = vfs_get_last_error,
    .xCurrentTimeInt64 = vfs_current_time_int64,
};

static int registered;

static void register_once(void) {
    registered = sqlite3_initialize();
    if (registered != SQLITE_OK) return;
    standard = sqlite3_vfs_find("unix");
    // Version 2 has the time in milliseconds.
    registered = standard == NULL || standard->iVersion < 2 ? SQLITE_ERROR : sqlite3_vfs_register(&vfs, 0);
}

int perdure_vfs_register(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    return registered;
}
