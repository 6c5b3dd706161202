// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define _FILE_OFFSET_BITS 64

#include "CPOSIX.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == sizeof(long long), "lock ranges lie beyond 2^31");

// One fcntl() call on `lock`; returns 0 or an errno value.
static int record_lock(int fd, int command, int kind, long long start, long long length, struct flock *lock) {
    short type;
    switch (kind) {
    case CPOSIX_UNLOCK: type = F_UNLCK; break;
    case CPOSIX_READ: type = F_RDLCK; break;
    case CPOSIX_WRITE: type = F_WRLCK; break;
    default: return EINVAL;
    }
    int result;
    do {
        *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
        result = fcntl(fd, command, lock);
    } while (result == -1 && errno == EINTR);
    return result == -1 ? errno : 0;
}

int cposix_lock(int fd, int kind, long long start, long long length) {
    struct flock lock;
    return record_lock(fd, F_SETLK, kind, start, length, &lock);
}

int cposix_lock_holder(int fd, int kind, long long start, long long length, int *pid) {
    struct flock lock;
    *pid = 0;
    int failure = record_lock(fd, F_GETLK, kind, start, length, &lock);
    // A lock of another NFS client or another pid namespace has l_pid 0; an open-file-description lock has -1.
    if (failure == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0) *pid = (int)lock.l_pid;
    return failure;
}

int cposix_open_or_create(const char *path) {
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
}

void cposix_take_write_error(int fd) {
#if defined(__linux__)
    // Waits for what is under way, which is nothing right after a lock was taken, and reports the error once.
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE);
#else
    (void)fd;
#endif
}

void cposix_prefetch(int fd, long long start, long long length) {
#if defined(__linux__)
    // Over NFS the first read after a lock drops what is cached of the file, and would drop what was read ahead before
    // it. One of no bytes does so too, and asks the server for no more than the attributes.
    char nothing;
    if (pread(fd, &nothing, 0, start) != 0) return;
    // More than this is cut off: the kernel reads ahead no further than one request goes, which is 1 MiB on EFS.
    const long long piece = 1 << 20;
    for (long long end = start + length; start < end; start += piece) {
        posix_fadvise(fd, start, end - start < piece ? end - start : piece, POSIX_FADV_WILLNEED);
    }
#else
    (void)fd;
    (void)start;
    (void)length;
#endif
}

void cposix_refresh(const char *path) {
#if defined(__linux__) && defined(STATX_CTIME)
    // AT_STATX_FORCE_SYNC: "Force the attributes to be synchronized with the server."
    struct statx found;
    statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_CTIME, &found);
#else
    (void)path;
#endif
}

void cposix_push(int fd) {
#if defined(__linux__)
    // "Initiate write-out of all dirty pages in the specified range which are not presently submitted write-out."
    // A length of 0 is up to the end of the file.
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
#endif
}
