// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import SessionStore

/// What a command comes to: an answer, and what has to be done for it to be true.
struct MemoryPlan {
    let answer: String
    var change: MemoryChange?
    /// The text that was read.
    var use: MemoryPath?
}

extension MemoryCommand {
    /// Reads what the command is about and decides, without changing anything.
    func plan(for session: borrowing LeasedSession) throws -> MemoryPlan {
        switch self {
        case .view(let location, let range):
            return try Self.view(location, range, session)
        case .create(let location, let text):
            guard let path = location.path, try session.memory(at: path) == nil, try session.memories(in: path).isEmpty
            else { throw MemoryRefusal("Error: File \(location) already exists") }
            return MemoryPlan(
                answer: "File created successfully at: \(location)", change: .write(path, text: text))
        case .replace(let location, let old, let new):
            guard let path = location.path, let text = try session.memoryText(at: path) else {
                throw MemoryRefusal("Error: The path \(location) does not exist. Please provide a valid path.")
            }
            let (changed, snippet) = try MemoryText(text).replacing(old, with: new, at: location)
            return MemoryPlan(
                answer: "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
                    + snippet,
                change: .write(path, text: changed))
        case .insert(let location, let line, let text):
            guard let path = location.path, let old = try session.memoryText(at: path) else {
                throw MemoryRefusal.missing(location)
            }
            let changed = try MemoryText(old).inserting(text, behind: line)
            return MemoryPlan(
                answer: "The file \(location) has been edited.", change: .write(path, text: changed))
        case .delete(let location):
            guard let path = location.path else {
                throw MemoryRefusal("Cannot delete the /memories directory itself")
            }
            guard try Self.exists(path, session) else { throw MemoryRefusal.missing(location) }
            return MemoryPlan(answer: "Successfully deleted \(location)", change: .remove(path))
        case .rename(let old, let new):
            guard let source = old.path else { throw MemoryRefusal("Cannot rename the /memories directory itself") }
            guard let target = new.path, try !Self.exists(target, session) else {
                throw MemoryRefusal("Error: The destination \(new) already exists")
            }
            guard try Self.exists(source, session) else { throw MemoryRefusal.missing(old) }
            return MemoryPlan(
                answer: "Successfully renamed \(old) to \(new)", change: .move(source, to: target))
        }
    }

    private static func exists(_ path: MemoryPath, _ session: borrowing LeasedSession) throws -> Bool {
        if try session.memory(at: path) != nil { return true }
        return try !session.memories(in: path).isEmpty
    }

    private static func view(
        _ location: MemoryLocation, _ range: [Int]?, _ session: borrowing LeasedSession
    ) throws -> MemoryPlan {
        if let path = location.path, let text = try session.memoryText(at: path) {
            return MemoryPlan(answer: try MemoryText(text).view(of: location, range), use: path)
        }
        let entries = try session.memories(in: location.path)
        guard location.path == nil || !entries.isEmpty else {
            throw MemoryRefusal("The path \(location) does not exist. Please provide a valid path.")
        }
        return MemoryPlan(answer: MemoryListing(entries, in: location).description)
    }
}

extension LeasedSession {
    /// Does a command, in one commit with what has to be recorded of it; the refusal of one that cannot be done is its
    /// answer.
    /// - Parameters:
    ///   - record: The entries that go into the log with a change.
    ///   - key: The call's, where the log is another file's.
    /// - Returns: The answer, and whether anything was changed.
    mutating func perform(
        _ command: MemoryCommand, recording record: (String) -> [Entry], applying key: String? = nil
    ) throws -> (answer: String, isChanged: Bool) {
        let plan: MemoryPlan
        do {
            plan = try command.plan(for: self)
        } catch let refusal as MemoryRefusal {
            return (refusal.description, false)
        }
        if let path = plan.use { noteUse(of: path) }
        guard let change = plan.change else { return (plan.answer, false) }
        let call = key.map { AppliedCall(key: $0, answer: plan.answer) }
        do throws(SessionStoreError) {
            try self.change(change, recording: record(plan.answer), applying: call)
            return (plan.answer, true)
        } catch {
            switch error.code {
            case .alreadyExists, .invalidName, .tooLarge, .noSuchMemory: return ("Error: \(error.detail)", false)
            default: throw error
            }
        }
    }
}
