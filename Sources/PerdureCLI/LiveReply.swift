// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import Foundation

/// A reply as it appears on a terminal: dots while nothing is said, then the text as it is written.
actor LiveReply {
    /// Whether standard error is a terminal, which shows the dots.
    private let hasProgress = isatty(STDERR_FILENO) == 1
    private var hasDots = false
    /// The text of the newest step, and which one that is.
    private var text = ""
    private var step: Int?

    /// Shows dots until it is cancelled or there is text.
    func showProgress() async {
        while hasProgress, step == nil, (try? await Task.sleep(for: .milliseconds(400))) != nil, step == nil {
            say(".")
            hasDots = true
        }
    }

    /// Shows a piece. The text of another step is a message of its own.
    func add(_ piece: String, of step: Int) {
        clear()
        if step != self.step {
            endLine()
            write("agent> ")
            self.step = step
        }
        text += piece
        write(piece.printable)
    }

    /// Takes the dots away.
    func clear() {
        if hasDots { say("\r\u{1B}[K") }
        hasDots = false
    }

    /// Shows the reply, if it is not what is there already.
    func finish(_ reply: String) {
        if step == nil || text != reply {
            endLine()
            write("agent> \(reply.printable)")
        }
        write("\n")
        (text, step) = ("", nil)
    }

    /// Ends the line of what is no reply.
    func endLine() {
        if step != nil { write("\n") }
        (text, step) = ("", nil)
    }

    private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}

/// Writes to standard error, where everything goes that is not a reply.
func say(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
}
