// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef CPOSIX_H
#define CPOSIX_H

// POSIX advisory record locks with fixed-width arguments: fcntl() is variadic, which Swift does not import, and
// `struct flock` depends on feature macros that belong in the .c file.

enum { CPOSIX_UNLOCK = 0, CPOSIX_READ = 1, CPOSIX_WRITE = 2 };

/// Sets or clears a record lock without waiting (F_SETLK); a signal in between is retried.
/// `length` 0 means up to the largest possible offset.
/// Returns 0 or an errno value; EACCES and EAGAIN both mean that another process holds a conflicting lock.
int cposix_lock(int fd, int kind, long long start, long long length);

/// Asks who holds a lock that conflicts with `kind` (F_GETLK).
/// `*pid` is the owner, or 0 when there is none or when it is not a process of this machine.
/// Returns 0 or an errno value.
int cposix_lock_holder(int fd, int kind, long long start, long long length, int *pid);

/// Opens or creates a file for reading and writing, closed on exec, mode 0600, without following a symbolic link as
/// the last component. One attempt: -1 sets errno.
int cposix_open_or_create(const char *path);

/// Takes the error that the kernel keeps because an earlier write to the file failed in the background and nobody was
/// told: it would be told to the next fsync() of whoever opens the file. Nothing is written and nothing is asked of a
/// server. Does nothing on systems other than Linux.
void cposix_take_write_error(int fd);

/// Has the system read that part of a file ahead, in pieces of 1 MiB, and does not wait for it. A failure shows when the
/// bytes are read. Does nothing on systems other than Linux.
void cposix_prefetch(int fd, long long start, long long length);

/// Has the system begin to write out what was written to the file, and does not wait for it: over NFS others see it once
/// it has reached the server. Nothing is durable by it. Does nothing on systems other than Linux.
void cposix_push(int fd);

/// Asks the file server for the attributes of a folder, whatever is cached: over NFS a name that was looked for in vain is
/// believed not to be there until the folder is known to have changed. Does nothing on systems other than Linux.
void cposix_refresh(const char *path);

/// Has glibc's allocator keep up to 32 MiB that were freed for the next time, instead of giving them back to the system
/// at once and asking for them, page by page, again. Nothing elsewhere.
void cposix_keep_freed_memory(void);

/// Has SIGTERM make a descriptor readable instead of ending the process. Once in a process; the descriptor stays open.
/// Returns the descriptor, or -1 with errno: EBUSY when somebody else handles, or ignores, the signal already.
int cposix_watch_termination(void);

#endif
