// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The folder of one session's own files: `.files/AGENT/SESSION` beside the sessions. A name with a dot in front is no
/// agent's, so that nothing there is taken for a session.
public struct OwnFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// Creates the folder where it is missing.
    /// - Parameters:
    ///   - root: The folder of the sessions: `PERDURE_ROOT`.
    ///   - session: The id of a session, which has no slash and is not `..`: Perdure refuses those.
    public init(below root: String, agent: String, session: String) throws(FileError) {
        var path = root
        for name in [".files", agent, session] {
            let parent = path
            path += "/" + name
            if mkdir(path, 0o700) == 0 {
                try Self.sync(folder: parent)
            } else if errno != EEXIST {
                throw FileError(path: path, code: errno)
            }
        }
        self.path = path
    }

    /// Writes a file, whole or not at all. The same again is the same file.
    public func write(_ text: String, to name: String) throws(FileError) {
        let temporary = "\(path)/\(name).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileError(path: temporary, code: errno) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            guard count > 0 else {
                let code = errno
                close(file)
                throw FileError(path: temporary, code: code)
            }
            bytes = bytes.dropFirst(count)
        }
        let isDurable = fsync(file) == 0
        close(file)
        guard isDurable, rename(temporary, "\(path)/\(name)") == 0 else {
            throw FileError(path: temporary, code: errno)
        }
        try Self.sync(folder: path)
    }

    /// Makes sure that the names in a folder are on the disk.
    private static func sync(folder path: String) throws(FileError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileError(path: path, code: errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileError(path: path, code: errno) }
    }

    /// Reads a whole file.
    public static func read(_ path: String) throws(FileError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError(path: path, code: errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { systemRead(file, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw FileError(path: path, code: errno) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer.prefix(count)
        }
    }

    /// The names of the files in a folder, sorted.
    public static func names(in folder: String) throws(FileError) -> [String] {
        guard let stream = opendir(folder) else { throw FileError(path: folder, code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(file, bytes, count) }
private func systemRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, bytes, count)
}

/// What the system said.
public struct FileError: Error, CustomStringConvertible {
    /// The file.
    public let path: String
    /// The `errno`.
    public let code: Int32
    /// The path and the system's words.
    public var description: String { "\(path): \(String(cString: strerror(code)))" }
}
