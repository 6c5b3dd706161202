// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// The front door: `import Perdure` is all that an agent needs. What a user meets in an agent's definition, or in its
// errors, lives in these modules.
@_exported public import AgentCore
@_exported public import JSONCore
@_exported public import LambdaRuntimeAPI
@_exported public import ModelClients
@_exported public import SessionStore
