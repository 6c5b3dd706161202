// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import JSONCore

/// How an entry is written down: a kind, the call it is about, and a JSON object.
///
/// This is the format of the files: a field may be added, none may change its meaning.
extension Entry {
    /// The kinds as they are written.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case input, reply, claim, approval, decision, step, result, refusal, checkpoint, rewind
        case attempt, pause, park, cancel, signal, schedule, compaction
    }

    /// The kind of the fact.
    public var kind: Kind {
        switch fact {
        case .input: .input
        case .reply: .reply
        case .claim: .claim
        case .approvalRequest: .approval
        case .decision: .decision
        case .step: .step
        case .result: .result
        case .refusal: .refusal
        case .checkpoint: .checkpoint
        case .rewind: .rewind
        case .attempt: .attempt
        case .pause: .pause
        case .park: .park
        case .cancel: .cancel
        case .signal: .signal
        case .schedule: .schedule
        case .compaction: .compaction
        }
    }

    /// The tool call that the fact is about.
    public var position: CallPosition? {
        switch fact {
        case .input, .reply, .refusal, .checkpoint, .rewind, .attempt, .pause, .park, .cancel, .signal, .schedule,
            .compaction:
            nil
        case .claim(let position, _, _, _), .approvalRequest(let position, _, _), .step(let position, _, _),
            .result(let position, _):
            position
        case .decision(_, let verdict): verdict.position
        }
    }

    /// Everything else about the fact.
    public var body: JSONValue {
        switch fact {
        case .input(let request, let text):
            ["request": .init(request), "text": .init(text)]
        case .reply(let reply):
            reply.json
        case .claim(_, let tool, let effect, let attempt):
            ["tool": .init(tool), "effect": .init(effect.rawValue), "attempt": .init(attempt)]
        case .approvalRequest(_, let reason, let expires):
            .object(["reason": .init(reason)], "expires", expires.map { .init(Int($0)) })
        case .refusal(let reason):
            ["reason": .init(reason)]
        case .checkpoint(let label):
            ["label": .init(label)]
        case .rewind(let turn):
            ["turn": .init(turn)]
        case .decision(let request, let verdict):
            .object(
                [
                    "request": .init(request), "approved": .bool(verdict.isApproved),
                    "reason": verdict.reason.map { .init($0) } ?? .null,
                ], "arguments", verdict.arguments.map { .init($0) })
        case .attempt(let cause):
            cause.json
        case .pause(.stopped):
            ["why": "stop"]
        case .pause(.waiting(let until)):
            .object(["why": "wait"], "until", until.map { .init(Int($0)) })
        case .park(let reason):
            ["reason": .init(reason)]
        case .cancel(let request, let reason):
            .object(["request": .init(request)], "reason", reason.map { .init($0) })
        case .signal(let request, let name, let value):
            ["request": .init(request), "name": .init(name), "value": value]
        case .schedule(let message):
            ["id": .init(message.id), "due": .init(Int(message.due)), "text": .init(message.text)]
        case .compaction(let compaction):
            compaction.json
        case .step(_, let name, let value):
            ["name": .init(name), "value": value]
        case .result(_, let result):
            ["status": .init(result.status.rawValue), "content": .init(result.content)]
        }
    }

    /// Reads what ``kind``, ``position`` and ``body`` wrote.
    ///
    /// Throws ``LoopError/Code/brokenLog`` when a field is missing or of the wrong type.
    public init(turn: Int, kind: Kind, position: CallPosition?, body: JSONValue) throws(LoopError) {
        let fields = Fields(object: body, kind: kind, call: position)
        let fact: Fact
        switch kind {
        case .input:
            fact = .input(request: try fields.text("request"), text: try fields.text("text"))
        case .reply:
            fact = .reply(try ModelReply(fields))
        case .claim:
            let effect = try fields.word("effect", of: ToolEffect.self)
            fact = .claim(
                try fields.position(), tool: try fields.text("tool"), effect: effect, attempt: try fields.int("attempt")
            )
        case .approval:
            let expires = try fields.optionalTime("expires")
            fact = .approvalRequest(try fields.position(), reason: try fields.text("reason"), expires: expires)
        case .refusal:
            fact = .refusal(reason: try fields.text("reason"))
        case .checkpoint:
            fact = .checkpoint(label: try fields.text("label"))
        case .rewind:
            fact = .rewind(toTurn: try fields.int("turn"))
        case .decision:
            let verdict = Verdict(
                position: try fields.position(),
                isApproved: try fields.bool("approved"),
                reason: try fields.optionalText("reason"),
                arguments: try fields.optionalText("arguments")
            )
            fact = .decision(request: try fields.text("request"), verdict)
        case .step:
            fact = .step(try fields.position(), name: try fields.text("name"), value: try fields.value("value"))
        case .attempt:
            fact = .attempt(try AttemptCause(fields))
        case .pause:
            switch try fields.word("why", of: PauseWord.self) {
            case .stop: fact = .pause(.stopped)
            case .wait: fact = .pause(.waiting(until: try fields.optionalTime("until")))
            }
        case .park:
            fact = .park(reason: try fields.text("reason"))
        case .cancel:
            fact = .cancel(request: try fields.text("request"), reason: try fields.optionalText("reason"))
        case .signal:
            fact = .signal(
                request: try fields.text("request"), name: try fields.text("name"), value: try fields.value("value"))
        case .schedule:
            let due = try fields.time("due")
            fact = .schedule(ScheduledMessage(id: try fields.text("id"), due: due, text: try fields.text("text")))
        case .compaction:
            fact = .compaction(try Compaction(fields))
        case .result:
            let status = try fields.word("status", of: ToolResult.Status.self)
            fact = .result(try fields.position(), ToolResult(status: status, content: try fields.text("content")))
        }
        self.init(turn: turn, fact: fact)
    }
}

private enum PauseWord: String { case stop, wait }

extension AttemptCause {
    private enum Word: String { case interrupted, continued, released }

    fileprivate var json: JSONValue {
        switch self {
        case .interrupted: ["cause": .init(Word.interrupted.rawValue)]
        case .continued: ["cause": .init(Word.continued.rawValue)]
        case .released(let request): ["cause": .init(Word.released.rawValue), "request": .init(request)]
        }
    }

    fileprivate init(_ fields: Fields) throws(LoopError) {
        switch try fields.word("cause", of: Word.self) {
        case .interrupted: self = .interrupted
        case .continued: self = .continued
        case .released: self = .released(request: try fields.text("request"))
        }
    }
}

extension JSONValue {
    /// An object with one more field, unless that has no value.
    fileprivate static func object(_ object: JSONObject, _ name: String, _ value: JSONValue?) -> JSONValue {
        var object = object
        if let value { object[name] = value }
        return .object(object)
    }
}

extension ModelReply {
    fileprivate var json: JSONValue {
        var object: JSONObject = ["text": .init(text)]
        if !toolCalls.isEmpty {
            object["calls"] = .array(
                toolCalls.map { ["id": .init($0.id), "name": .init($0.name), "arguments": .init($0.arguments)] })
        }
        object["finish"] = .init(finishReason)
        if let usage { object["usage"] = usage.json }
        if isFromCache { object["repeated"] = true }
        return .object(object)
    }

    fileprivate init(_ fields: Fields) throws(LoopError) {
        var calls: [ToolCall] = []
        for item in try fields.list("calls") {
            let call = Fields(object: item, kind: fields.kind, call: nil)
            calls.append(
                ToolCall(
                    id: try call.text("id"), name: try call.text("name"), arguments: try call.text("arguments")))
        }
        self.init(
            text: try fields.text("text"),
            toolCalls: calls,
            finishReason: try fields.text("finish"),
            usage: try fields.usage(),
            isFromCache: try fields.flag("repeated")
        )
    }
}

extension TokenUsage {
    fileprivate var json: JSONValue {
        .object(
            ["input": .init(input), "output": .init(output), "cached": .init(cachedInput)],
            "cost", cost.map { .init($0) })
    }
}

extension Compaction {
    fileprivate var json: JSONValue {
        var object: JSONObject = ["dropped": .init(dropped)]
        if !kept.isEmpty { object["kept"] = .array(kept.map { .init($0) }) }
        object["results"] = .init(clearedResults)
        if let summary { object["summary"] = .init(summary) }
        if modelAnswered { object["answered"] = true }
        if let usage { object["usage"] = usage.json }
        return .object(object)
    }

    fileprivate init(_ fields: Fields) throws(LoopError) {
        var kept: [Int] = []
        for item in try fields.list("kept") {
            guard let index = item.int else {
                throw LoopError(code: .brokenLog, detail: "a compaction keeps a message that has no number")
            }
            kept.append(index)
        }
        self.init(
            dropped: try fields.int("dropped"), kept: kept, clearedResults: try fields.int("results"),
            summary: try fields.optionalText("summary"),
            modelAnswered: try fields.flag("answered"),
            usage: try fields.usage())
    }
}

/// Reads the fields of a body, and says which one is wrong.
private struct Fields {
    let object: JSONValue
    let kind: Entry.Kind
    let call: CallPosition?

    func text(_ name: String) throws(LoopError) -> String { try required(object[name]?.string, name) }

    func optionalText(_ name: String) throws(LoopError) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        return try required(value.string, name)
    }

    /// The items of a list, none when it is missing.
    func list(_ name: String) throws(LoopError) -> [JSONValue] {
        guard let value = object[name] else { return [] }
        return try required(value.array, name)
    }

    func value(_ name: String) throws(LoopError) -> JSONValue { try required(object[name], name) }
    func int(_ name: String) throws(LoopError) -> Int { try required(object[name]?.int, name) }
    func time(_ name: String) throws(LoopError) -> Int64 { Int64(try int(name)) }
    func optionalTime(_ name: String) throws(LoopError) -> Int64? { try optionalInt(name).map { Int64($0) } }

    func optionalInt(_ name: String) throws(LoopError) -> Int? {
        guard let value = object[name], !value.isNull else { return nil }
        return try int(name)
    }

    func usage() throws(LoopError) -> TokenUsage? {
        guard let object = object["usage"] else { return nil }
        let counts = Fields(object: object, kind: kind, call: nil)
        return TokenUsage(
            input: try counts.int("input"), output: try counts.int("output"), cachedInput: try counts.int("cached"),
            cost: try counts.optionalInt("cost"))
    }

    func bool(_ name: String) throws(LoopError) -> Bool { try required(object[name]?.bool, name) }
    /// False when it is missing.
    func flag(_ name: String) throws(LoopError) -> Bool { object[name] == nil ? false : try bool(name) }
    func position() throws(LoopError) -> CallPosition { try required(call, "call") }

    func word<Word: RawRepresentable<String>>(_ name: String, of type: Word.Type) throws(LoopError) -> Word {
        try required(Word(rawValue: try text(name)), name)
    }

    private func required<Value>(_ value: Value?, _ name: String) throws(LoopError) -> Value {
        guard let value else {
            throw LoopError(code: .brokenLog, detail: "entry of kind \(kind.rawValue) has no valid field \(name)")
        }
        return value
    }
}
