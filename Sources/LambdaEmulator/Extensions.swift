// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation
import NIOCore

/// The internal extensions of one sandbox, those that run in the runtime's own process, as a value.
///
///     registered ──/event/next──▶ waiting ──an invocation, if it asked for them──▶ busy ──/event/next──▶ waiting
struct Extensions: Equatable, Sendable {
    enum Phase: Equatable, Sendable {
        case registered, waiting, busy
    }

    struct Member: Equatable, Sendable {
        var name: String
        var identifier: String
        var takesInvocations: Bool
        var phase = Phase.registered
    }

    /// The runtime interface emulator of AWS refuses the eleventh: "Extension limit (10) reached".
    static let limit = 10

    private(set) var members: [Member] = []
    /// After the runtime's first `/next`, nobody may register.
    private(set) var isClosed = false
    /// With several invocations at once there are no INVOKE events.
    let allowsInvocations: Bool

    init(allowsInvocations: Bool = true) {
        self.allowsInvocations = allowsInvocations
    }

    var isEmpty: Bool { members.isEmpty }
    /// Whether init may be complete, and an invocation over.
    var areWaiting: Bool { members.allSatisfy { $0.phase == .waiting } }

    /// `/register`: the new identifier.
    mutating func register(name: String?, body: ByteBuffer) throws(RuntimeAPIError) -> String {
        guard let name, !name.isEmpty else { throw .extensionError("InvalidExtensionName", "Empty extension name") }
        guard let events = EmulatorJSON.extensionEvents(in: body) else {
            throw .invalidRequestFormat
        }
        guard allowsInvocations || events.isEmpty else {
            throw .extensionError("InvalidEventType", "No events allowed for internal extensions")
        }
        for event in events where event != "INVOKE" {
            // An internal extension learns of the shutdown by SIGTERM.
            let reason =
                event == "SHUTDOWN" ? "ShutdownEventNotSupportedForInternalExtension" : "ErrorInvalidEventType"
            throw .extensionError("InvalidEventType", "\(event): \(reason)")
        }
        guard !isClosed else {
            throw .extensionError("RegistrationClosed", "Extension registration closed already")
        }
        guard !members.contains(where: { $0.name == name }) else {
            throw .extensionError("InvalidExtensionState", "Extension with this name already registered")
        }
        guard members.count < Self.limit else {
            throw .extensionError("TooManyExtensions", "Extension limit (\(Self.limit)) reached")
        }
        let member = Member(
            name: name, identifier: UUID().uuidString.lowercased(), takesInvocations: events.contains("INVOKE"))
        members.append(member)
        return member.identifier
    }

    mutating func close() {
        isClosed = true
    }

    /// `/event/next`: the extension's identifier.
    mutating func poll(_ identifier: String?) throws(RuntimeAPIError) -> String {
        guard let identifier else {
            throw .extensionError("MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
        }
        guard let identifier = UUID(uuidString: identifier)?.uuidString.lowercased() else {
            throw .extensionError("InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
        }
        guard let index = members.firstIndex(where: { $0.identifier == identifier }) else {
            throw .extensionError("UnknownExtensionIdentifier", "Unknown extension \(identifier)")
        }
        members[index].phase = .waiting
        return identifier
    }

    /// An invocation begins: those that have to be told.
    mutating func beginInvocation() -> [String] {
        var told: [String] = []
        for index in members.indices where members[index].takesInvocations {
            members[index].phase = .busy
            told.append(members[index].identifier)
        }
        return told
    }
}
