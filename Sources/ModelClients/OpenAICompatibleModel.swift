// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

public import AgentCore
import CurlHTTP
import JSONCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A model behind an endpoint that speaks OpenAI's chat completions: OpenAI, vLLM, llama.cpp, Ollama and many others.
///
/// The answer is streamed. A request that the server calls retryable (408, 409, 429, 5xx) or whose connection failed is
/// tried up to three times, as long as no text has been passed on; a server may bill each. Between the tries it waits for
/// as long as the server says, else half a second and then a second, with full jitter. A server that asks for more than 20
/// seconds is not waited for: its wish is in ``ModelError/retryAfter``.
public struct OpenAICompatibleModel: LanguageModel {
    /// The address up to `/v1`, such as `https://api.openai.com/v1`.
    public var baseURL: String
    /// The name of the model, as the endpoint knows it.
    public var model: String
    /// The largest number of tokens of an answer; nil leaves it to the server.
    public var maximumOutputTokens: Int?
    /// The sampling temperature, 0 to 2; nil leaves it to the server.
    public var temperature: Double?
    /// How long the server may be silent before the call fails.
    public var idleTimeout: Duration
    private let apiKey: APIKey?
    private let client = HTTPClient(options: HTTPOptions(userAgent: "perdure", proxy: .environment))

    /// Creates a client; nothing is connected before the first call.
    /// - Parameters:
    ///   - baseURL: The address up to `/v1`.
    ///   - apiKey: Sent as a bearer token; nil for servers that need none.
    public init(
        baseURL: String,
        model: String,
        apiKey: String? = nil,
        maximumOutputTokens: Int? = nil,
        temperature: Double? = nil,
        idleTimeout: Duration = .seconds(120)
    ) {
        self.baseURL = baseURL
        self.model = model
        self.apiKey = apiKey.map { APIKey(value: $0) }
        self.maximumOutputTokens = maximumOutputTokens
        self.temperature = temperature
        self.idleTimeout = idleTimeout
    }

    /// The endpoint that `PERDURE_MODEL_URL`, `PERDURE_MODEL` (default `default`, which single-model servers ignore)
    /// and `PERDURE_API_KEY` name.
    ///
    /// A missing address shows in ``checkConfiguration()``.
    public static func fromEnvironment() -> OpenAICompatibleModel {
        OpenAICompatibleModel(
            baseURL: environment("PERDURE_MODEL_URL") ?? "",
            model: environment("PERDURE_MODEL") ?? "default",
            apiKey: environment("PERDURE_API_KEY")
        )
    }

    /// Throws ``ModelError/Code/invalidConfiguration`` when the address is missing or is no HTTP address.
    public func checkConfiguration() throws {
        guard baseURL.hasPrefix("http://") || baseURL.hasPrefix("https://") else {
            throw ModelError(
                .invalidConfiguration,
                "the model's address must begin with http:// or https://; set PERDURE_MODEL_URL, for example to "
                    + "https://api.openai.com/v1, or give the agent a model"
            )
        }
    }

    /// The address, the model's name and the settings of its answers.
    public var identity: String? {
        let settings: JSONValue = [
            "url": .init(baseURL), "model": .init(model),
            "maximumOutputTokens": maximumOutputTokens.map { .init($0) } ?? .null,
            "temperature": temperature.flatMap(JSONNumber.init).map { .number($0) } ?? .null,
        ]
        return settings.description
    }

    private static let maximumTries = 3
    /// What a server asks for beyond this is left to the caller: waiting in a Lambda function is paid for.
    private static let longestWait = Duration.seconds(20)

    /// Asks the model.
    public func reply(to request: ModelRequest, onText: @Sendable (String) -> Void) async throws -> ModelReply {
        try checkConfiguration()
        let http = httpRequest(for: request)
        var tries = 0
        while true {
            tries += 1
            var hasPassedOnText = false
            do {
                return try await reply(to: http) { text in
                    hasPassedOnText = true
                    onText(text)
                }
            } catch {
                guard error.isRetryable, !hasPassedOnText, tries < Self.maximumTries,
                    error.retryAfter ?? .zero <= Self.longestWait
                else { throw error }
                let ceiling = Duration.milliseconds(500) * (1 << (tries - 1))
                do {
                    try await Task.sleep(for: error.retryAfter ?? ceiling * Double.random(in: 0...1))
                } catch {
                    throw ModelError(.cancelled, "the task was cancelled")
                }
            }
        }
    }

    private func httpRequest(for request: ModelRequest) -> HTTPRequest {
        var headers: HTTPFields = ["Content-Type": "application/json", "Accept": "text/event-stream"]
        if let apiKey { headers["Authorization"] = "Bearer \(apiKey.value)" }
        return HTTPRequest(
            method: .post,
            url: (baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL) + "/chat/completions",
            headers: headers,
            body: body(of: request).bytes()
        )
    }

    /// Reads what follows the last event, for a moment: a connection is kept for the next call only if its answer was
    /// read to the end, which may arrive a little later.
    private func readToEnd(of stream: HTTPStream) async {
        await withTaskGroup(of: Void.self) { group in
            // What follows, and whether it is well-formed, does not matter any more.
            group.addTask { _ = try? await stream.body.collect() }
            group.addTask { try? await Task.sleep(for: .milliseconds(100)) }
            await group.next()
            group.cancelAll()
        }
    }

    private func reply(to request: HTTPRequest, onText: (String) -> Void) async throws(ModelError) -> ModelReply {
        do {
            let limits = HTTPLimits(connectTimeout: .seconds(10), idleTimeout: idleTimeout)
            let stream = try await client.stream(request, limits: limits)
            guard stream.head.status == 200 else {
                throw ModelError(refusal: stream.head, body: try await stream.body.collect())
            }
            var reply = ChatReplyBuilder()
            if stream.head.fields["Content-Type"]?.lowercased().hasPrefix("application/json") == true {
                // The server does not stream.
                let text = try reply.add(try await stream.body.collect())
                if !text.isEmpty { onText(text) }
                return try reply.finished()
            }
            do {
                for try await event in stream.events {
                    if event.data == "[DONE]" {
                        await readToEnd(of: stream)
                        break
                    }
                    let text = try reply.add(Array(event.data.utf8))
                    if !text.isEmpty { onText(text) }
                }
            } catch let error as HTTPError where reply.isFinished && error.code != .cancelled {
                // The connection broke behind a whole reply, which is not to be paid for twice.
            }
            return try reply.finished()
        } catch let error as ModelError {
            throw error
        } catch let error as HTTPError {
            throw ModelError(error)
        } catch {
            throw ModelError(.cancelled, "the task was cancelled")
        }
    }
}

/// A key that does not show when what holds it is printed.
private struct APIKey: Sendable, CustomStringConvertible, CustomReflectable {
    let value: String
    var description: String { "hidden" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension ModelError {
    /// Puts an answer other than 200 into words: the status, and the provider's word for it.
    init(refusal head: HTTPResponseHead, body: [UInt8]) {
        let code: Code =
            switch head.status {
            case 429: .rateLimited
            case 408, 409, 500...: .unavailable
            case 400, 413, 422: .refused
            default: .rejected
            }
        let error = (try? JSONValue(parsing: body))?["error"]
        self.init(
            code,
            "status \(head.status)" + (Self.word(error?["code"]) ?? Self.word(error?["type"]) ?? ""),
            isRetryable: code == .rateLimited || code == .unavailable,
            retryAfter: head.fields["Retry-After"].flatMap { Int($0) }.map { .seconds(min(max($0, 0), 3600)) }
        )
    }

    /// The provider's code for an error. Its message is left out: providers quote keys and prompts in it.
    static func word(_ value: JSONValue?) -> String? {
        guard let text = value?.string, (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { return nil }
        return ", \(text)"
    }
}

/// The value of an environment variable; nil when it is not set, or empty.
private func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
}
