// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// The results that the loop itself gives to calls; the texts are for the model.
extension ToolResult {
    static let unknown = ToolResult(
        status: .unknown,
        content: """
            The outcome of this call is unknown: it was started and interrupted before its result was recorded, and it \
            was not run again. It may or may not have taken effect; check before trying it again.
            """
    )

    static func noSuchTool(among tools: [ToolSpecification]) -> ToolResult {
        let names = tools.map(\.name).joined(separator: ", ")
        return ToolResult(
            status: .failed,
            content: "There is no tool of that name. The tools are: \(names.isEmpty ? "none" : names)."
        )
    }

    static func badArguments(_ error: any Error) -> ToolResult {
        ToolResult(status: .failed, content: "The tool was not run: its arguments do not fit. \(error)")
    }

    static func rejected(_ reason: String?) -> ToolResult {
        let said = reason.map { " The reason given: \($0)" } ?? ""
        return ToolResult(status: .rejected, content: "The call was not approved and did not run.\(said)")
    }

    /// The result of a call that a new message overtakes.
    static func superseding(_ state: History.OpenCall.State) -> ToolResult {
        switch state {
        case .claimed:
            .unknown
        case .awaiting:
            .rejected("the user sent a message instead of a decision.")
        case .asked, .approved, .settled:
            ToolResult(status: .skipped, content: "The call did not run: the turn was interrupted.")
        }
    }
}
