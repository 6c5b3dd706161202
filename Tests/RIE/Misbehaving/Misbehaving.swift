// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import LambdaRuntimeAPI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A function that fails in the way that the event asks for.
///
/// `{"do":"echo"}` is answered with itself, `fail` with an error, `crash` ends the process by a signal, `exit` with a
/// status, `hang` never answers, `largest` is answered with as much as the service takes, `too large` with a byte more. With `FAIL_INIT=1` in the environment it does not start.
@main
struct Misbehaving {
    static func main() async {
        await LambdaRuntime.run { environment in
            guard environment["FAIL_INIT"] != "1" else {
                throw InvocationError(type: "Function.InitRefused", message: "FAIL_INIT is set")
            }
            return { payload, _ in
                // The driver writes its events in one way only, so that no JSON parser is needed here.
                switch String(decoding: payload, as: UTF8.self) {
                case #"{"do":"fail"}"#:
                    throw InvocationError(type: "Function.Refused", message: "asked to fail: ü, \"quoted\"")
                case #"{"do":"crash"}"#: abort()
                case #"{"do":"exit"}"#: exit(3)
                case #"{"do":"hang"}"#:
                    while true { try await Task.sleep(for: .seconds(3600)) }
                case #"{"do":"largest"}"#: return [UInt8](repeating: UInt8(ascii: "1"), count: 6_291_556)
                case #"{"do":"too large"}"#: return [UInt8](repeating: UInt8(ascii: "1"), count: 6_291_557)
                default: return payload
                }
            }
        }
    }
}
