// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What becomes of a message for a session that another invocation holds.
///
/// A request to call the turn off reaches the holder whatever the policy is. Everything else (decisions, signals, wakes) waits
/// for the session.
public enum BusyPolicy: Sendable, Hashable {
    /// It waits for the session until its invocation's time is up.
    case wait
    /// It is refused at once, with ``AgentError/Code/sessionBusy`` and when to try again.
    case refuse
    /// It is left in the session's inbox, for the holder, and answered with ``AgentCore/Outcome/queued``. The same request
    /// gets the outcome of its turn later. The input of a workflow waits.
    ///
    /// Costs each turn over NFS, besides what it costs otherwise: an OPEN, two LOCKs, five GETATTRs, two LOCKUs and a CLOSE, and
    /// one GETATTR for each step.
    case queue(Moment)

    /// When the holder sees a message that was left to him.
    public enum Moment: Sendable, Hashable {
        /// Before the next model call of the turn that is under way, which it joins: both get the outcome of that turn. If
        /// there is none, it becomes a turn of its own.
        case atNextStep
        /// When the turn that is under way has ended: it becomes a turn of its own, in the order of the messages. The
        /// holder's own caller is answered after those turns.
        case atEnd
    }
}
