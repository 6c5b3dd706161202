// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import FileLocking

/// Looks for commits in a write-ahead log that SQLite does not read, which it passes over without a word.
///
/// The names and offsets are those of "WAL File Format" in SQLite's manual: a header of 32 bytes, then frames of 24
/// bytes and a page. A frame is read when its salts are the header's and its checksum, which goes on from the frame
/// before it, is right; a field that is not zero in its header marks the end of a commit.
enum LogScan {
    private static let headerSize = 32
    private static let frameHeaderSize = 24

    /// What every log begins with.
    static let firstByte: UInt8 = 0x37

    /// Whether the log begins as one.
    static func hasHeader(_ log: InspectedFiles.LockedLog) throws(SessionStoreError) -> Bool {
        let bytes = try read(log, 4, at: 0)
        return bytes.count == 4 && (word(bytes[...], 0) & ~1) == 0x377F_0682
    }

    /// What was lost, as a sentence; nil when nothing shows that anything was.
    ///
    /// A commit is on the disk before the next one begins, so a crash breaks off the last one only. Where a break is
    /// followed by the ends of two commits or more, something else has happened to the file.
    static func loss(in log: InspectedFiles.LockedLog) throws(SessionStoreError) -> String? {
        let head = try read(log, headerSize + frameHeaderSize, at: 0)
        guard head.count == headerSize + frameHeaderSize else { return nil }
        let header = head.prefix(headerSize)
        // "If the least-significant bit of the magic number is 1, then checksums are computed on big-endian words".
        var sum = Checksum(isBig: word(header, 0) & 1 == 1)
        sum.add(header.prefix(24))
        var isReadable = try hasHeader(log) && sum.matches(header.dropFirst(24))
        // Where the header is not readable, the first frame says whether there were commits behind it.
        let salts = isReadable ? header[16..<24] : head[40..<48]
        let frameSize = frameHeaderSize + (isReadable ? Int(word(header, 8)) : Int(Schema.pageSize))
        guard (512...65_536).contains(frameSize - frameHeaderSize) else { return nil }
        var (offset, end, lost) = (Int64(headerSize), Int64(headerSize), 0)
        // In steps of a MiB: a log is small unless its session has not been released for long.
        let count = max(1, (1 << 20) / frameSize)
        while true {
            let bytes = try read(log, count * frameSize, at: offset)
            var rest = bytes[...]
            while rest.count >= frameSize {
                let frame = rest.prefix(frameSize)
                rest = rest.dropFirst(frameSize)
                offset += Int64(frameSize)
                let isOurs = frame.dropFirst(8).prefix(8).elementsEqual(salts)
                let isCommit = word(frame, 4) != 0
                if isReadable {
                    sum.add(frame.prefix(8))
                    sum.add(frame.dropFirst(frameHeaderSize))
                    isReadable = isOurs && sum.matches(frame.dropFirst(16).prefix(8))
                    if isReadable, isCommit { end = offset }
                }
                if !isReadable, isOurs, isCommit { lost += 1 }
            }
            if bytes.count < count * frameSize { break }
        }
        return lost < 2 ? nil : "s.db-wal cannot be read from byte \(end) on, and \(lost) commits follow there"
    }

    private static func read(
        _ log: InspectedFiles.LockedLog, _ count: Int, at offset: Int64
    ) throws(SessionStoreError) -> [UInt8] {
        try locking { () throws(FileLockError) in try log.file.read(count: count, at: offset) }
    }

    /// The big-endian word of 32 bits at an offset.
    fileprivate static func word(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
        bytes.dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// "Checksum Algorithm" of the same page: two sums over pairs of words.
private struct Checksum {
    let isBig: Bool
    private var first: UInt32 = 0
    private var second: UInt32 = 0

    init(isBig: Bool) { self.isBig = isBig }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        var index = bytes.startIndex
        while index + 8 <= bytes.endIndex {
            first &+= word(bytes, index) &+ second
            second &+= word(bytes, index + 4) &+ first
            index += 8
        }
    }

    /// Whether these are the two sums, which are always stored as big-endian words.
    func matches(_ bytes: ArraySlice<UInt8>) -> Bool {
        LogScan.word(bytes, 0) == first && LogScan.word(bytes, 4) == second
    }

    private func word(_ bytes: ArraySlice<UInt8>, _ index: Int) -> UInt32 {
        let value =
            UInt32(bytes[index]) << 24 | UInt32(bytes[index + 1]) << 16 | UInt32(bytes[index + 2]) << 8
            | UInt32(bytes[index + 3])
        return isBig ? value : value.byteSwapped
    }
}
