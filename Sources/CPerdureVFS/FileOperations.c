// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define _FILE_OFFSET_BITS 64

#include "FileOperations.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == sizeof(int64_t), "lock bytes of the log lie at 2^40");

// The operations of one kind of file, in the order of their names.
enum {
    READ = PERDURE_DB_READ - PERDURE_DB_OPEN,
    WRITE = PERDURE_DB_WRITE - PERDURE_DB_OPEN,
    SYNC = PERDURE_DB_SYNC - PERDURE_DB_OPEN,
    TRUNCATE = PERDURE_DB_TRUNCATE - PERDURE_DB_OPEN,
    SIZE = PERDURE_DB_SIZE - PERDURE_DB_OPEN
};
_Static_assert(PERDURE_WAL_SIZE - PERDURE_WAL_OPEN == SIZE, "both groups have the same order");

// How many interruptions in one operation are no reason to give up. Signals are rare, and a call on a regular file that
// is interrupted over and over again is not a signal's doing.
enum { INTERRUPTIONS = 100 };

static int descriptor(const perdure_files *files, int kind) { return kind == LOG ? files->log : files->database; }

static perdure_fault begin(perdure_files *files, int operation) {
    files->counts[operation] += 1;
    return perdure_fault_before(operation, files->path);
}

int perdure_files_read(perdure_files *files, int kind, void *bytes, size_t count, int64_t offset, size_t *filled) {
    int operation = kind + READ;
    perdure_fault fault = begin(files, operation);
    int error = fault.error;
    int interruptions = INTERRUPTIONS;
    *filled = 0;
    while (*filled < count) {
        ssize_t got = -1;
        if (error == 0) {
            got = pread(descriptor(files, kind), (char *)bytes + *filled, count - *filled, offset + (off_t)*filled);
            if (got < 0) error = errno;
        }
        if (error == EINTR && interruptions > 0) {
            interruptions -= 1;
            error = 0;
            continue;
        }
        if (error != 0) return perdure_files_fail(files, operation, offset, error, SQLITE_IOERR_READ);
        if (got == 0) break;
        *filled += (size_t)got;
    }
    files->bytes[operation] += *filled;
    perdure_fault_after(&fault);
    return SQLITE_OK;
}

static int fail_write(perdure_files *files, int operation, int64_t offset, int error) {
    int code = error == ENOSPC || error == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    return perdure_files_fail(files, operation, offset, error, code);
}

int perdure_files_write(perdure_files *files, int kind, const void *bytes, size_t count, int64_t offset) {
    int operation = kind + WRITE;
    perdure_fault fault = begin(files, operation);
    int error = fault.error;
    int interruptions = INTERRUPTIONS;
    size_t done = 0;
    while (done < count) {
        size_t wanted = count - done;
        if (fault.tears) {
            size_t limit = (uint64_t)fault.bytes < count ? (size_t)fault.bytes : count;
            if (done < limit) {
                wanted = limit - done;
            } else {
                fault.tears = false;
                error = perdure_fault_act(&fault);
            }
        }
        ssize_t put = -1;
        if (error == 0) {
            put = pwrite(descriptor(files, kind), (const char *)bytes + done, wanted, offset + (off_t)done);
            // Nothing written and no error: "disk full" is SQLite's own reading of it.
            if (put <= 0) error = put < 0 ? errno : ENOSPC;
        }
        if (error == EINTR && interruptions > 0) {
            interruptions -= 1;
            error = 0;
            continue;
        }
        if (error != 0) return fail_write(files, operation, offset + (int64_t)done, error);
        done += (size_t)put;
        files->bytes[operation] += (uint64_t)put;
    }
    if (fault.tears) {
        error = perdure_fault_act(&fault);
        if (error != 0) return fail_write(files, operation, offset + (int64_t)done, error);
    }
    perdure_fault_after(&fault);
    return SQLITE_OK;
}

// Not repeated after EINTR: the kernel tells of a failed write once, so a second sync that says OK proves nothing.
static int sync_once(int fd) {
#if defined(__APPLE__)
    // fsync() there leaves the bytes in the drive's cache. Some file systems do not know the call.
    if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
    return fsync(fd);
#else
    // "does not flush modified metadata unless that metadata is needed in order to allow a subsequent data retrieval to
    // be correctly handled": a grown file's size is, its time is not. On NFS the two calls are the same.
    return fdatasync(fd);
#endif
}

int perdure_files_sync(perdure_files *files, int kind) {
    int operation = kind + SYNC;
    perdure_fault fault = begin(files, operation);
    int error = fault.error;
    if (error == 0 && sync_once(descriptor(files, kind)) != 0) error = errno;
    if (error != 0) return perdure_files_fail(files, operation, -1, error, SQLITE_IOERR_FSYNC);
    perdure_fault_after(&fault);
    return SQLITE_OK;
}

int perdure_files_truncate(perdure_files *files, int kind, int64_t size) {
    int operation = kind + TRUNCATE;
    perdure_fault fault = begin(files, operation);
    int error = fault.error;
    for (int interruptions = INTERRUPTIONS; error == 0 || (error == EINTR && interruptions > 0); interruptions -= 1) {
        error = ftruncate(descriptor(files, kind), (off_t)size) == 0 ? 0 : errno;
        if (error == 0) break;
    }
    if (error != 0) return perdure_files_fail(files, operation, size, error, SQLITE_IOERR_TRUNCATE);
    perdure_fault_after(&fault);
    return SQLITE_OK;
}

int perdure_files_size(perdure_files *files, int kind, int64_t *size) {
    int operation = kind + SIZE;
    perdure_fault fault = begin(files, operation);
    int error = fault.error;
    // Not fstat(): over NFS that asks the server again after each READ, which changes the time of the last access. Nothing
    // here uses the descriptor's own offset.
    off_t end = error == 0 ? lseek(descriptor(files, kind), 0, SEEK_END) : 0;
    if (end < 0) error = errno;
    if (error != 0) return perdure_files_fail(files, operation, -1, error, SQLITE_IOERR_FSTAT);
    *size = (int64_t)end;
    perdure_fault_after(&fault);
    return SQLITE_OK;
}
