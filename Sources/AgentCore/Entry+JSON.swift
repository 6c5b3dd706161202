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
        }
    }

    /// The tool call that the fact is about.
    public var position: CallPosition? {
        switch fact {
        case .input, .reply, .refusal, .checkpoint, .rewind: nil
        case .claim(let position, _, _, _), .approvalRequest(let position, _), .step(let position, _, _),
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
        case .approvalRequest(_, let reason):
            ["reason": .init(reason)]
        case .refusal(let reason):
            ["reason": .init(reason)]
        case .checkpoint(let label):
            ["label": .init(label)]
        case .rewind(let turn):
            ["turn": .init(turn)]
        case .decision(let request, let verdict):
            [
                "request": .init(request), "approved": .bool(verdict.isApproved),
                "reason": verdict.reason.map { .init($0) } ?? .null,
            ]
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
            fact = .approvalRequest(try fields.position(), reason: try fields.text("reason"))
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
                reason: try fields.optionalText("reason")
            )
            fact = .decision(request: try fields.text("request"), verdict)
        case .step:
            fact = .step(try fields.position(), name: try fields.text("name"), value: try fields.value("value"))
        case .result:
            let status = try fields.word("status", of: ToolResult.Status.self)
            fact = .result(try fields.position(), ToolResult(status: status, content: try fields.text("content")))
        }
        self.init(turn: turn, fact: fact)
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
        if let usage {
            object["usage"] = [
                "input": .init(usage.input), "output": .init(usage.output), "cached": .init(usage.cachedInput),
            ]
        }
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
        var usage: TokenUsage?
        if let object = fields.object["usage"] {
            let counts = Fields(object: object, kind: fields.kind, call: nil)
            usage = TokenUsage(
                input: try counts.int("input"),
                output: try counts.int("output"),
                cachedInput: try counts.int("cached")
            )
        }
        self.init(
            text: try fields.text("text"),
            toolCalls: calls,
            finishReason: try fields.text("finish"),
            usage: usage
        )
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
    func bool(_ name: String) throws(LoopError) -> Bool { try required(object[name]?.bool, name) }
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
