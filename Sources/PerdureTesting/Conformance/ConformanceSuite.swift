// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

/// What any store of sessions has to keep to, as named checks that know no test framework.
///
/// They are about one process. That another process, or another machine, is kept out as well, and that what was acknowledged
/// survives a crash, is for the store's own tests: it takes what the store is made of.
public enum ConformanceSuite {
    /// All of them, in an order in which the first to fail says the most.
    public static let checks: [ConformanceCheck] = log + leases + requests + claims + names + erasure
}
