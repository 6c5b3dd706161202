// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import JSONCore
import LambdaRuntimeAPI
import Logging
import Perdure
import Testing

@Suite struct LambdaLogHandlerTests {
    struct Opaque: CustomStringConvertible, Sendable {
        var description: String { "an opaque thing" }
    }

    struct Broken: Error, CustomStringConvertible {
        var description: String { "it broke" }
    }

    static let metadata: Logger.Metadata = [
        "string": "größe \"x\"\n", "int": .stringConvertible(5), "uint8": .stringConvertible(UInt8.max),
        "int128": .stringConvertible(Int128.max), "double": .stringConvertible(0.5),
        "nan": .stringConvertible(Double.nan), "bool": .stringConvertible(true),
        "opaque": .stringConvertible(Opaque()), "array": ["a", ["b": "c"]], "map": ["z": "1", "a": ["2"]],
        "message": "mine",
    ]

    @Test func `metadata of all kinds are members of the JSON object`() throws {
        let file = try LogFile(.json)
        file.logger().info("m", metadata: Self.metadata)
        let expected =
            #""level":"INFO","message":"m","array":["a",{"b":"c"}],"bool":true,"double":0.5,"int":5,"#
            + #""int128":170141183460469231731687303715884105727,"map":{"a":["2"],"z":"1"},"metadata.message":"mine","#
            + #""nan":"nan","opaque":"an opaque thing","string":"größe \"x\"\n","uint8":255}"#
        #expect(try file.lines() == [expected])
    }

    @Test func `metadata of all kinds stand behind the text`() throws {
        let file = try LogFile(.text)
        file.logger().info("m", metadata: Self.metadata)
        let expected =
            "-\tINFO\tm "
            + #"array=["a",{"b":"c"}] bool=true double=0.5 int=5 int128=170141183460469231731687303715884105727 "#
            + #"map={"a":["2"],"z":"1"} message=mine nan=nan opaque="an opaque thing" string="größe \"x\"\n" uint8=255"#
        #expect(try file.lines() == [expected])
    }

    @Test func `the call's metadata go before the logger's and those before the provider's`() throws {
        let file = try LogFile(.text)
        var logger = file.logger(provider: .init { ["a": "provider", "b": "provider", "c": "provider"] })
        logger[metadataKey: "b"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("m", metadata: ["c": "call"])
        #expect(try file.lines() == ["-\tINFO\tm a=provider b=logger c=call"])
        #expect(logger[metadataKey: "b"] == "logger")
    }

    @Test func `each level has its name in Lambda`() throws {
        let file = try LogFile(.text)
        let logger = file.logger()
        for level in Logger.Level.allCases { logger.log(level: level, "\(level)") }
        #expect(
            try file.lines() == [
                "-\tTRACE\ttrace", "-\tDEBUG\tdebug", "-\tINFO\tinfo", "-\tINFO\tnotice", "-\tWARN\twarning",
                "-\tERROR\terror", "-\tFATAL\tcritical",
            ])
    }

    @Test func `a logger writes nothing below its level and below the log's`() throws {
        let file = try LogFile(.text)
        var logger = file.logger(.warn)
        #expect(logger.logLevel == .warning)
        logger.notice("no")
        logger.warning("yes")
        logger.logLevel = .trace
        logger.info("no")
        logger.logLevel = .critical
        logger.error("no")
        #expect(try file.lines() == ["-\tWARN\tyes"])
    }

    @Test func `an error has its type and its message`() throws {
        let file = try LogFile(.json)
        file.logger().error("m", error: Broken())
        #expect(
            try file.lines() == [
                #""level":"ERROR","message":"m","errorType":"Function.Broken","errorMessage":"it broke"}"#
            ])
    }

    @Test func `a record names the invocation that it belongs to`() throws {
        let file = try LogFile(.text)
        InvocationContext.$current.withValue(context(id: "r")) { file.logger().info("m") }
        #expect(try file.lines() == ["r\tINFO\tm"])
    }
}
