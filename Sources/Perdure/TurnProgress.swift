// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What can be seen of a turn while it runs, before any of it is durable.
///
/// It is provisional: when the turn is interrupted, the attempt that goes on may word the same text differently. What
/// counts is the outcome.
public enum TurnProgress: Sendable, Hashable {
    /// A piece of text from the model.
    /// - Parameter step: Which of this attempt's model calls it comes from, from 1. The text of a step that another one
    ///   follows was not the reply: the model called tools.
    case text(String, step: Int)
    /// Tools begin to run. Their arguments are not told, as they may be secret.
    case tools(names: [String])
}
