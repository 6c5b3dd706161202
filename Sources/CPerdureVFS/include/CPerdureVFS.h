// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef CPERDUREVFS_H
#define CPERDUREVFS_H

#include <stdbool.h>
#include <stdint.h>

// A file system layer for SQLite that opens and closes nothing: it works on descriptors that its user has opened and
// locked, one for each inode, so that no close() of SQLite's drops a lock.
//
// The frames of one commit are one write and one sync. The first failure is the last operation. A plan can fail, tear,
// delay or stop at each operation.

/// The name to give to sqlite3_open_v2(). Registered by the first perdure_files_offer().
#define PERDURE_VFS_NAME "perdure"

/// What is done to files. The two groups of six are in the same order.
enum {
    PERDURE_DB_OPEN,
    PERDURE_DB_READ,
    PERDURE_DB_WRITE,
    PERDURE_DB_SYNC,
    PERDURE_DB_TRUNCATE,
    PERDURE_DB_SIZE,
    PERDURE_WAL_OPEN,
    PERDURE_WAL_READ,
    PERDURE_WAL_WRITE,
    PERDURE_WAL_SYNC,
    PERDURE_WAL_TRUNCATE,
    PERDURE_WAL_SIZE,
    // Done by whoever owns the files, and named here for plans.
    PERDURE_DIR_SYNC,
    PERDURE_LOCK_DB,
    PERDURE_LOCK_WAL,
    PERDURE_UNLOCK_DB,
    PERDURE_UNLOCK_WAL,
    PERDURE_WAL_REMOVE,
    PERDURE_DIR_UNLINK,
    PERDURE_OPERATIONS
};

/// The name of an operation: "db.open", "wal.write", "lock.db". NULL for another number.
const char *perdure_operation_name(int operation);

// Files

/// The open files of one database: the database and its write-ahead log.
typedef struct perdure_files perdure_files;

/// Lets SQLite open the database `path`, and `path`-wal beside it, on these two descriptors. They stay the caller's,
/// who must keep them open until perdure_files_withdraw(). At most one connection at a time can open them, and only
/// with locking_mode=EXCLUSIVE before its first access to the file, because there is no shared memory.
/// `path` is absolute; it is compared, and never opened. The caller says who may use the files: nothing is locked here.
/// Returns 0 or an errno value: EINVAL for a relative path, EEXIST for a path that is on offer already, ENOMEM.
int perdure_files_offer(const char *path, int database, int log, perdure_files **files);

/// Ends the offer: from now on every operation of a connection that is still open is refused, before it touches a
/// descriptor. To be called before the files are unlocked. `files` is invalid afterwards.
void perdure_files_withdraw(perdure_files *files);

/// Refuses every operation of the connection, before it touches a descriptor, until perdure_files_resume(): for files that
/// are not locked meanwhile. What the connection has in memory stays. Nobody can open the files, and others may be offered
/// under the same path. For the thread that uses the connection.
void perdure_files_suspend(perdure_files *files);

/// Lets the connection go on: to be called when the files are locked again, and hold what they held. Returns 0, or EEXIST
/// when others are on offer under the path.
int perdure_files_resume(perdure_files *files);

/// Where the log ends, and how: enough to tell later whether anybody has written to it. The frames' checksums are
/// cumulative from the header on, whose salts are new each time that the log begins anew.
typedef struct {
    /// The first 32 bytes.
    uint8_t header[32];
    /// The 24 bytes before the page of the last frame, which is that of the last commit.
    uint8_t frame[24];
    /// Where these are.
    int64_t frame_offset;
    /// The end of the last frame.
    int64_t size;
} perdure_log_end;

/// Whether the present connection has made a commit that is on the disk, so that the end of the log is known; then
/// `*end` is that. Nothing is read for it. For the thread that uses the connection.
bool perdure_files_log_end(const perdure_files *files, perdure_log_end *end);

/// How often an operation was done on the files since they were offered, failures included.
uint64_t perdure_files_count(const perdure_files *files, int operation);

/// How many bytes a read or write operation has moved.
uint64_t perdure_files_bytes(const perdure_files *files, int operation);

/// The operation that failed, which is why every later one is refused.
typedef struct {
    int operation;
    /// The errno value.
    int error;
    /// Where in the file; -1 for operations that have no place.
    int64_t offset;
} perdure_failure;

/// Whether an operation on the files has failed; then `*failure` is the first one.
bool perdure_files_failure(const perdure_files *files, perdure_failure *failure);

/// The files that a connection's main database is open on; NULL when it is not open, or not on files of this layer. They
/// stay valid as long as it is open.
struct sqlite3;
const perdure_files *perdure_files_of_connection(struct sqlite3 *connection);

/// Whether the files were withdrawn, or are suspended.
bool perdure_files_are_withdrawn(const perdure_files *files);

// Faults, for tests. Without a plan they cost one predictable branch for each operation.

/// What happens at an operation.
enum {
    /// It fails with `error`. EINTR is a read, a write or a truncation that was interrupted once.
    PERDURE_FAIL,
    /// It begins `milliseconds` later.
    PERDURE_DELAY,
    /// The process stops itself (SIGSTOP), and the operation begins when it is continued; with an `error`, it fails then.
    PERDURE_STOP,
    /// The process kills itself (SIGKILL) before the operation.
    PERDURE_KILL,
    /// The process kills itself after the operation.
    PERDURE_KILL_AFTER
};

/// The `operation` of a plan that counts all of them.
enum { PERDURE_ANY = -1 };

typedef struct {
    int operation;
    /// The number of the first operation that is hit, counted from 1; 0 hits none, and counts.
    uint64_t first;
    /// How many in a row are hit.
    uint64_t times;
    int action;
    int error;
    /// For a write: how many of its bytes are written before the action, which is then in the middle of the operation.
    /// -1 for none.
    int64_t bytes;
    uint32_t milliseconds;
    /// Only databases whose path begins so; NULL for all.
    const char *within;
} perdure_fault_plan;

/// Makes this the process's plan, and counts from zero; NULL for none, which keeps the count. The plan is copied.
/// Returns 0 or an errno value: EINVAL for numbers that are not listed above, ENOMEM.
int perdure_fault_plan_set(const perdure_fault_plan *plan);

/// How many operations of the plan's kind there were while it was set.
uint64_t perdure_fault_plan_seen(void);

/// What the plan says about one operation.
typedef struct {
    /// The errno value that the operation is to fail with, or 0.
    int error;
    /// To be acted on after `bytes` bytes, with perdure_fault_act().
    bool tears;
    int action;
    int planned_error;
    int64_t bytes;
    uint32_t milliseconds;
} perdure_fault;

/// To be called before an operation on the files of the database `path`. Delays, stops and kills.
perdure_fault perdure_fault_before(int operation, const char *path);

/// Acts on a fault that tears a write; returns the errno value that the write is to fail with, or 0.
int perdure_fault_act(const perdure_fault *fault);

/// To be called after the operation.
void perdure_fault_after(const perdure_fault *fault);

#endif
