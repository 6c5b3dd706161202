// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#include "FileMethods.h"

#include "FileOperations.h"

#include <string.h>

// Writes what is buffered of the log.
static int flush(open_file *file) {
    log_buffer *buffer = &file->buffer;
    if (buffer->count == 0) return SQLITE_OK;
    int result = perdure_files_write(file->files, file->kind, buffer->bytes, buffer->count, buffer->start);
    if (result == SQLITE_OK) buffer->count = 0;
    return result;
}

static int file_close(sqlite3_file *base) {
    open_file *file = (open_file *)base;
    // What is still buffered was never committed: each commit flushes, at the latest in COMMIT_PHASETWO.
    perdure_log_buffer_free(&file->buffer);
    // The descriptor is not SQLite's to close: a close of the inode would drop the locks on it.
    perdure_files_leave(file);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *bytes, int count, sqlite3_int64 offset) {
    open_file *file = (open_file *)base;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_READ);
    if (refusal != SQLITE_OK) return refusal;
    if (perdure_log_buffer_overlaps(&file->buffer, (size_t)count, offset)) {
        if (perdure_log_buffer_copy(&file->buffer, bytes, (size_t)count, offset)) return SQLITE_OK;
        int result = flush(file);
        if (result != SQLITE_OK) return result;
    }
    size_t filled;
    int result = perdure_files_read(file->files, file->kind, bytes, (size_t)count, offset, &filled);
    if (result == SQLITE_OK && filled == (size_t)count) {
        if (file->kind == LOG) perdure_log_notes_read(&file->files->log_notes, bytes, (size_t)count, offset);
        return SQLITE_OK;
    }
    if (result != SQLITE_OK) return result;
    // "If xRead() returns SQLITE_IOERR_SHORT_READ it must also fill in the unread portions of the buffer with zeros."
    // The end of the file is no failure.
    memset((char *)bytes + filled, 0, (size_t)count - filled);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
    open_file *file = (open_file *)base;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_WRITE);
    if (refusal != SQLITE_OK) return refusal;
    if (file->kind == LOG) {
        perdure_log_notes_written(&file->files->log_notes, bytes, (size_t)count, offset);
        if (perdure_log_buffer_put(&file->buffer, bytes, (size_t)count, offset)) return SQLITE_OK;
        int result = flush(file);
        if (result != SQLITE_OK) return result;
        if (perdure_log_buffer_put(&file->buffer, bytes, (size_t)count, offset)) return SQLITE_OK;
    }
    return perdure_files_write(file->files, file->kind, bytes, (size_t)count, offset);
}

// Cuts the log, and an empty one is empty on the disk before anything else is written to it: see begins_empty_log().
static int log_truncate(perdure_files *files, int64_t size) {
    int result = perdure_files_truncate(files, LOG, size);
    files->log_notes = (log_notes){0};
    return result == SQLITE_OK && size == 0 ? perdure_files_sync(files, LOG) : result;
}

int perdure_log_empty(perdure_files *files) {
    int refusal = perdure_files_refuse(files, SQLITE_IOERR_TRUNCATE);
    return refusal != SQLITE_OK ? refusal : log_truncate(files, 0);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    open_file *file = (open_file *)base;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_TRUNCATE);
    if (refusal != SQLITE_OK) return refusal;
    int result = flush(file);
    if (result != SQLITE_OK) return result;
    return file->kind == LOG ? log_truncate(file->files, size) : perdure_files_truncate(file->files, DATABASE, size);
}

// Whether nothing but a new header is buffered, for a file that is empty.
//
// SQLite syncs the header of a log that starts over before it writes frames: "Otherwise an out-of-order write following
// a WAL restart could result in database corruption" (wal.c), as an old header would make old frames valid again. Where
// there are no old frames there is nothing to keep apart: any part of header and frames that reaches the disk is either
// a valid beginning of the log or no log. So the header goes out with the first commit, in one write and one sync.
static int begins_empty_log(open_file *file, bool *begins) {
    *begins = false;
    if (file->buffer.start != 0 || file->buffer.count != LOG_HEADER_SIZE) return SQLITE_OK;
    int64_t size;
    int result = perdure_files_size(file->files, LOG, &size);
    if (result == SQLITE_OK) *begins = size == 0;
    return result;
}

static int file_sync(sqlite3_file *base, int flags) {
    (void)flags;
    open_file *file = (open_file *)base;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_FSYNC);
    if (refusal != SQLITE_OK) return refusal;
    bool waits;
    int result = begins_empty_log(file, &waits);
    if (result != SQLITE_OK || waits) return result;
    result = flush(file);
    return result != SQLITE_OK ? result : perdure_files_sync(file->files, file->kind);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    open_file *file = (open_file *)base;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_FSTAT);
    if (refusal != SQLITE_OK) return refusal;
    int64_t found;
    int result = perdure_files_size(file->files, file->kind, &found);
    if (result != SQLITE_OK) return result;
    int64_t end = file->buffer.start + (int64_t)file->buffer.count;
    *size = file->buffer.count != 0 && end > found ? end : found;
    return SQLITE_OK;
}

// The lease has locked both files against everybody else, and perdure_files_enter() lets one connection in. What is left
// of locking is to remember what SQLite believes.
static int file_lock(sqlite3_file *base, int level) {
    open_file *file = (open_file *)base;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_LOCK);
    if (refusal == SQLITE_OK && level > file->lock) file->lock = level;
    return refusal;
}

static int file_unlock(sqlite3_file *base, int level) {
    open_file *file = (open_file *)base;
    if (level < file->lock) file->lock = level;
    return SQLITE_OK;
}

static int file_check_reserved_lock(sqlite3_file *base, int *is_reserved) {
    *is_reserved = ((open_file *)base)->lock >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

// "sent to the VFS after a transaction has been committed immediately but before the database is unlocked". With
// synchronous=FULL the log was synced by then. With less, the frames have to get as far as the operating system.
static int finish_commit(open_file *file) {
    open_file *log = file->files->open_log;
    if (log == NULL || log->buffer.count == 0) return SQLITE_OK;
    int refusal = perdure_files_refuse(file->files, SQLITE_IOERR_WRITE);
    return refusal != SQLITE_OK ? refusal : flush(log);
}

static int file_control(sqlite3_file *base, int operation, void *argument) {
    open_file *file = (open_file *)base;
    switch (operation) {
    case SQLITE_FCNTL_LOCKSTATE: *(int *)argument = file->lock; return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME:
        *(char **)argument = sqlite3_mprintf("%s", PERDURE_VFS_NAME);
        return SQLITE_OK;
    // The log is locked, and so stays the same inode for its whole life: it is always persistent.
    case SQLITE_FCNTL_PERSIST_WAL: *(int *)argument = 1; return SQLITE_OK;
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE: *(int *)argument = 1; return SQLITE_OK;
    case SQLITE_FCNTL_COMMIT_PHASETWO: return finish_commit(file);
    default: return SQLITE_NOTFOUND;
    }
}

// With POWERSAFE_OVERWRITE neither value makes SQLite pad a commit to whole sectors; this one is SQLite's own default.
static int file_sector_size(sqlite3_file *base) {
    (void)base;
    return 4096;
}

static int file_device_characteristics(sqlite3_file *base) {
    (void)base;
    // As SQLite's own layer for Unix says unless built otherwise: bytes beside those that are written do not change.
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

const sqlite3_io_methods perdure_file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device_characteristics,
};
