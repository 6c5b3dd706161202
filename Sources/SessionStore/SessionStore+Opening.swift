// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SQLiteDriver

extension SessionStore {
    /// Closes the sessions that were released and are still open: nothing of them is open afterwards. A session that is
    /// leased at this time may be kept when it is released.
    ///
    /// To be called before a snapshot is taken of the process, and before somebody replaces files. Blocks for two CLOSEs on
    /// NFS for each.
    public func closeWarmSessions() {
        for session in warmSessions.takeAll() { session.close() }
    }

    /// Opens a session or, where it is open still, goes on with it.
    ///
    /// Throws ``SessionStoreError/Code/busy`` at once when somebody else holds it. Returns nil when the files have to be
    /// looked at anew.
    func open(
        _ folder: String, in slot: consuming LeaseSlot, as names: SessionNames?, attempt: String
    ) throws(SessionStoreError) -> LeasedSession? {
        guard let claim = FolderClaim(folder) else { throw .busy }
        if let warm = warmSessions.take(folder) {
            return try goOn(warm, by: claim, in: slot, as: names, attempt: attempt)
        }
        guard let files = try LeasedFiles.acquire(in: folder, by: claim) else { return nil }
        return try LeasedSession(files, in: slot, as: names, attempt: attempt, now: now, pool: warmSessions)
    }

    /// Goes on with a session that is open. What fails by reading and locking may do so because of what happened while
    /// nothing was locked, as when the file server has dropped what it knew of the open files. So it is no news: everything
    /// is closed, and the session is opened anew.
    private func goOn(
        _ warm: WarmSession,
        by claim: consuming FolderClaim,
        in slot: consuming LeaseSlot,
        as names: SessionNames?,
        attempt: String
    ) throws(SessionStoreError) -> LeasedSession? {
        let locks: IdleFiles.Locks?
        do throws(SessionStoreError) {
            locks = try warm.lock()
        } catch {
            if error.code == .busy {
                warmSessions.keep(warm, of: claim.path)?.close()
                throw error
            }
            warm.close()
            return nil
        }
        guard let locks, let files = warm.leave(with: locks, by: claim) else {
            warm.close()
            return nil
        }
        do throws(SessionStoreError) {
            if try warm.isUnchanged(in: files) {
                try warm.meta.check(names)
                try files.resume()
                return try LeasedSession(
                    files, in: slot, warm.connection, warm.meta, attempt: attempt, now: now, pool: warmSessions)
            }
            // Somebody else has had turns. The files are open and locked, which is the larger part of opening a session.
            try? warm.connection.close()
            guard try files.reopen() else { return nil }
            return try LeasedSession(files, in: slot, as: names, attempt: attempt, now: now, pool: warmSessions)
        } catch {
            if error.code == .inputOutput { return nil }
            throw error
        }
    }
}
