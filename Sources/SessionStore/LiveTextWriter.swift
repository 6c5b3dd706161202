// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Dispatch
import FileLocking
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Lets other processes see what is being said in a session that is leased: lines in a file beside the database.
///
/// ```
/// s.db-live    first line: a token of this writer and what the lines are about; then one line after the other
/// ```
///
/// Nothing depends on the file: it is not synced, not read by any lease, and what goes wrong with it is passed over. The log is
/// the truth, and what is in the file is on its way there. The file exists from the first line to ``end()``, or after a
/// crash until the next writer replaces it or the session is erased. Each writer has a file of its own, so a writer that was
/// frozen and comes back writes into one that has no name any more.
///
/// On NFS: OPEN, with the creation, at the first line, then WRITE and COMMIT in each ``interval`` in which something was said,
/// and GETATTR, CLOSE and REMOVE at the end. The COMMIT is the Linux client's own, behind everything that it writes out. The
/// turn waits for none of them but those at the end. A turn that is over before the first ``interval`` is costs a REMOVE.
public final class LiveTextWriter: Sendable {
    /// How long lines are collected before they are written.
    public static let interval = Duration.milliseconds(250)
    /// The longest file, in bytes; what comes after it is left out.
    public static let maximumLength = 1 << 20

    private let path: String
    private let subject: [UInt8]
    private let queue = DispatchQueue(label: "perdure.live")
    private let lines = Mutex<(pending: [UInt8], hasAny: Bool)>(([], false))
    private let state = State()

    /// Used on the queue only, which makes `@unchecked Sendable` true.
    private final class State: @unchecked Sendable {
        var file: OpenFile?
        var length = 0
        var hasFailed = false
        var hasEnded = false
    }

    /// - Parameter subject: One line that says what the lines are about.
    init(path: String, subject: [UInt8]) {
        self.path = path
        self.subject = subject
    }

    /// Adds a line, without its line break, and does not wait for it to be written. Only while the session is leased.
    public func append(_ line: [UInt8]) {
        let isFirst = lines.withLock { lines in
            defer { lines = (lines.pending + line + [UInt8(ascii: "\n")], true) }
            return lines.pending.isEmpty
        }
        guard isFirst else { return }
        let (_, attoseconds) = Self.interval.components
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(attoseconds / 1_000_000_000))) { self.write() }
    }

    /// Removes the file, if there is one. To be called before the session is released; further lines are passed over.
    public func end() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async {
                self.state.hasEnded = true
                if let file = self.state.file.take() {
                    self.remove(file)
                } else if self.lines.withLock({ $0.hasAny }) {
                    // A turn that was interrupted may have left its own.
                    unsafe unlink(self.path)
                }
                continuation.resume()
            }
        }
    }

    private func write() {
        let lines = lines.withLock { lines in
            defer { lines.pending = [] }
            return lines.pending
        }
        guard !state.hasEnded, !state.hasFailed else { return }
        do throws(FileLockError) {
            if state.file == nil {
                state.file = try create()
                try push(token() + [UInt8(ascii: " ")] + subject + [UInt8(ascii: "\n")] + lines)
            } else {
                try push(lines)
            }
        } catch {
            // A reader sees the text when the turn has ended. To go on here would leave a gap.
            state.hasFailed = true
        }
    }

    private func push(_ bytes: [UInt8]) throws(FileLockError) {
        state.length += bytes.count
        guard state.length <= Self.maximumLength else { throw FileLockError(errno: EFBIG, call: "write") }
        try state.file?.push(bytes)
    }

    /// A file that nobody else has open: what a crash has left there keeps its inode, and loses its name.
    private func create() throws(FileLockError) -> OpenFile {
        if unsafe unlink(path) != 0, errno != ENOENT { throw FileLockError(errno: errno, call: "unlink") }
        return try OpenFile(path: path)
    }

    private func remove(_ file: consuming OpenFile) {
        let isInPlace = (try? file.pathStillNamesThisFile()) ?? false
        // Closed first: a file that is removed while it is open gets another name on NFS.
        try? file.close()
        if isInPlace { unsafe unlink(path) }
    }

    private func token() -> [UInt8] { Array(randomIdentity().utf8) }
}
