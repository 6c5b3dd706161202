// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Sessions in files below one folder: one SQLite file a session, one lease a session at a time.
///
/// ```
/// <root>/<agent>/<2 hex digits>/<session>/s.db        the database
///                                        /s.db-wal    its write-ahead log; both exist for the session's life
///                                        /s.db-live   what a turn that is streamed has said so far; see LiveTextWriter
/// ```
///
/// Everything here blocks on the file system: call it on a ``StorageThread``, or on a thread of your own.
public struct SessionStore: Sendable {
    /// The folder, as an absolute path without symbolic links.
    public let root: String
    /// The file system that the folder is on; nil where the system does not say.
    public let fileSystem: MountedFileSystem?
    private let slots: LeaseSlots
    package let now: @Sendable () -> Int64
    let warmSessions: WarmSessions
    /// Replaced by tests only.
    package var migrations = Schema.migrations

    /// How many sessions a store leases at once, unless told otherwise: Amazon EFS has locks for 256 pairs of a file and a
    /// process on one mount ("Amazon EFS quotas that you cannot change"), and a session is two files. One whose inbox is attended to
    /// (``LeasedSession/attendInbox()``) is three: a process that attends to more than 85 at once has to set a lower limit.
    public static let maximumLeases = 128

    /// Opens a root folder, which is created when it is missing; the folder above it has to be there, so that a file system
    /// that is not mounted is noticed.
    ///
    /// Reads the kernel's table of mounts (Linux). Throws ``SessionStoreError/Code/unusableRoot`` when the folder cannot be
    /// created, is no folder or cannot be written, ``SessionStoreError/Code/readOnly`` when it is on a file system that is
    /// mounted read-only, and ``SessionStoreError/Code/unsafeMount`` when it is on NFS with `nolock`, `local_lock=posix`,
    /// `local_lock=all` or `soft`, or the kernel takes back locks that it has lost.
    /// - Parameters:
    ///   - maximumLeases: How many sessions may be leased at once, by this value and its copies. Others wait for their turn.
    ///   - warmSessions: How many released sessions stay open at most, for their next lease in this process, all copies of
    ///     this value together. Each has two descriptors, no lock, and SQLite's cache of up to about 2 MB. 0 closes each
    ///     session when it is released.
    ///   - now: Milliseconds since 1970, written beside each entry. The age of cached replies is measured by it; no lease is.
    public init(
        root: String,
        maximumLeases: Int = Self.maximumLeases,
        warmSessions: Int = 8,
        now: @escaping @Sendable () -> Int64 = wallClock
    ) throws(SessionStoreError) {
        guard !root.isEmpty else {
            throw SessionStoreError(.unusableRoot, at: "open root", "the path of the root folder is empty")
        }
        if let failure = createFolder(root) { throw .opening(root: root, errno: failure) }
        guard let resolved = unsafe realpath(root, nil) else { throw .opening(root: root, errno: errno) }
        self.root = unsafe String(cString: resolved)
        unsafe free(resolved)
        if unsafe access(self.root, R_OK | W_OK | X_OK) != 0 { throw .opening(root: root, errno: errno) }
        fileSystem = MountedFileSystem(of: self.root)
        if let objection = fileSystem?.objection {
            throw SessionStoreError(.unsafeMount, at: "open root", objection)
        }
        slots = LeaseSlots(limit: max(1, maximumLeases))
        self.now = now
        self.warmSessions = WarmSessions(limit: warmSessions)
    }

    /// Leases a session, which is created when it is missing.
    ///
    /// A session that is leased elsewhere is tried again every 20 to 250 ms, unless the task is cancelled. Costs two locks
    /// over NFS, the opening of the two files, and reading what SQLite needs; nothing is written to an existing session.
    ///
    /// If the last commit before was not the end of a turn, and was made by another lease, what the log has is put into the
    /// database and another log is begun: three syncs more.
    ///
    /// Throws ``SessionStoreError``: `busy` when the deadline passes, `tooManyLeases` when that many sessions are leased
    /// until then, `readOnly`, `full`, `damaged`, `newerSchema`, `foreignFile` and `inputOutput`.
    /// - Parameters:
    ///   - attempt: The id of the invocation, written down with each commit.
    ///   - deadline: How long to wait for a session that is leased elsewhere.
    public func lease(
        _ session: SessionID,
        of agent: AgentName,
        attempt: String,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) -> LeasedSession {
        let folder = folder(of: session, agent)
        return try lease(folder, as: SessionNames(agent, session), creating: true, attempt: attempt, until: deadline)
    }

    /// Leases a session that exists; ``SessionStoreError/Code/noSuchSession`` when there is none. Otherwise as
    /// ``lease(_:of:attempt:until:)``, and like it in need of write access: a lock for writing, and a log that is
    /// missing is created.
    public func leaseExisting(
        _ session: SessionID,
        of agent: AgentName,
        attempt: String = "read",
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) -> LeasedSession {
        let folder = folder(of: session, agent)
        return try lease(folder, as: SessionNames(agent, session), creating: false, attempt: attempt, until: deadline)
    }

    /// - Parameters:
    ///   - names: What the file has to say it is; nil takes any session.
    ///   - creating: Whether a session is created where there is none. It is looked for each time, as somebody may erase it
    ///     while this waits.
    func lease(
        _ folder: String,
        as names: SessionNames?,
        creating: Bool,
        attempt: String,
        until deadline: ContinuousClock.Instant
    ) throws(SessionStoreError) -> LeasedSession {
        var replacements = 0
        var mayStartNewLog = true
        while true {
            do throws(SessionStoreError) {
                if creating {
                    if let failure = createFolders(folder) { throw .system(failure, at: "create folder") }
                } else if unsafe access(folder + "/s.db", F_OK) != 0 {
                    throw .noSuchSession
                }
                let slot = try slots.take(until: deadline)
                if let session = try open(folder, in: slot, as: names, creating: creating, attempt: attempt) {
                    guard mayStartNewLog, try session.needsNewLog() else { return session }
                    // It needs room in the database, and a session on a full file system is still there to be read.
                    mayStartNewLog = try session.startNewLog()
                }
                // The files were created or replaced while they were being locked: look at them anew, and at once. A
                // new session takes two looks; more than a few are somebody else's doing.
                replacements += 1
                if replacements >= 8 { throw SessionStoreError.replaced }
            } catch {
                // An erasure took the folder away between two of these steps.
                if error.code == .inputOutput, replacements < 8, unsafe access(folder, F_OK) != 0, errno == ENOENT {
                    replacements += 1
                    continue
                }
                guard error.code == .busy else { throw error }
                let wait = Duration.milliseconds(Int64.random(in: 20...250))
                guard .now.advanced(by: wait) < deadline, !Task.isCancelled else { throw error }
                sleep(wait)
            }
        }
    }

    /// How many callers wait for one of ``maximumLeases``.
    var leasesWaiting: Int { slots.waiting }

    func folder(of session: SessionID, _ agent: AgentName) -> String {
        "\(root)/\(agent)/\(session.shard)/\(session.folderName)"
    }
}

extension SessionNames {
    fileprivate init(_ agent: AgentName, _ session: SessionID) {
        self.init(agent: agent.rawValue, session: session.rawValue)
    }
}

/// The clock of the system, in milliseconds since 1970.
@Sendable
public func wallClock() -> Int64 {
    var now = timespec()
    // Cannot fail: CLOCK_REALTIME exists on every system.
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}

func sleep(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var left = timespec()
    while unsafe nanosleep(&wanted, &left) == -1, errno == EINTR { wanted = left }
}
