// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

extension InvocationContext {
    /// The invocation that the running code serves; nil outside of one.
    ///
    /// The runtime sets it around the handler. It goes along into child tasks, not into detached ones.
    @TaskLocal public static var current: InvocationContext?
}
