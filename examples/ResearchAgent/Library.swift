// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import OwnFiles

/// Where the sources come from: a folder, in the place of a service that takes its time.
struct Library: Sendable {
    let folder: String

    func titles() throws -> [String] { try OwnFolder.names(in: folder).filter { $0.hasSuffix(".txt") } }

    func text(_ title: String) throws -> String { try OwnFolder.read("\(folder)/\(title)") }
}
