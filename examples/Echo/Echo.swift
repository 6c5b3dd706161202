// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI

@main
struct Echo {
    static func main() async {
        await LambdaRuntime.run { payload, _ in payload }
    }
}
