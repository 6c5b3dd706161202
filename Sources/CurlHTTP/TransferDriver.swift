// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

import CCurl

/// Drives many transfers on one thread. Everything here runs on the loop's thread.
final class TransferDriver {
    private struct Transfer {
        let easy: EasyHandle
        let exchange: Exchange
    }

    /// This many handles stay ready for the next requests.
    private static let maximumSpareHandles = 8

    private let multi: MultiHandle
    private var options: HTTPOptions
    private var hasCertificateAuthorities = false
    private var transfers: [ObjectIdentifier: Transfer] = [:]
    private var spareHandles: [EasyHandle] = []

    init(multi: MultiHandle, options: HTTPOptions) {
        self.multi = multi
        self.options = options
    }

    /// Carries out commands, moves every transfer on, and waits. Answers whether libcurl still works.
    func turn(_ commands: [TransferLoop.Command]) -> Bool {
        for command in commands {
            switch command {
            case .start(let exchange): start(exchange)
            case .resume(let exchange): resume(exchange)
            case .abort(let exchange): remove(exchange)
            }
        }
        guard multi.perform() == CURLM_OK else { return false }
        for transfer in transfers.values where transfer.exchange.isStreaming { deliver(transfer) }
        var hasFinished = false
        while let finished = multi.nextFinished() {
            hasFinished = true
            finish(finished)
        }
        // A transfer that ended leaves a connection that another may be waiting for: do not sleep on it.
        return hasFinished || multi.wait() == CURLM_OK
    }

    /// Ends every transfer, and the exchanges that were not started.
    func abandonAll(_ commands: [TransferLoop.Command]) {
        for transfer in transfers.values {
            transfer.exchange.finish(transfer.easy.error(.cancelled, "the client has gone"))
            remove(transfer.exchange)
        }
        for case .start(let exchange) in commands {
            exchange.finish(HTTPError(.cancelled, at: exchange.callSite, "the client has gone"))
        }
    }

    private func start(_ exchange: Exchange) {
        var unused: EasyHandle?
        do throws(HTTPError) {
            let easy = try takeHandle(callSite: exchange.callSite)
            unused = easy
            if exchange.request.isSecure { findCertificateAuthorities() }
            let window = exchange.isStreaming ? EasyHandle.defaultWindow : Int.max
            easy.begin(exchange.request, limits: exchange.limits, window: window, callSite: exchange.callSite)
            try easy.configure(exchange.request, options: options, limits: exchange.limits, streamsUpload: false)
            guard multi.add(easy) == CURLM_OK else {
                throw easy.error(.outOfResources, "libcurl took no more transfers")
            }
            transfers[ObjectIdentifier(exchange)] = Transfer(easy: easy, exchange: exchange)
        } catch {
            exchange.finish(error)
            if let unused { recycle(unused) }
        }
    }

    private func resume(_ exchange: Exchange) {
        guard let transfer = transfers[ObjectIdentifier(exchange)] else { return }
        transfer.easy.window = EasyHandle.defaultWindow
        resume(transfer)
    }

    private func resume(_ transfer: Transfer) {
        let result = transfer.easy.resume()
        guard result != CURLE_OK else { return }
        transfer.exchange.finish(transfer.easy.error(for: result))
        remove(transfer.exchange)
    }

    private func deliver(_ transfer: Transfer) {
        let easy = transfer.easy
        guard let head = easy.collector.head else { return }
        let waiting = transfer.exchange.deliver(
            head: head, body: easy.collector.takePending(), isPaused: easy.isReceivePaused)
        easy.window = max(0, EasyHandle.defaultWindow - waiting)
        // The reader was already waiting and took it all: nobody else will ask for more.
        if easy.isReceivePaused, waiting == 0 { resume(transfer) }
    }

    private func finish(_ finished: Finished) {
        guard let transfer = transfers.values.first(where: { unsafe $0.easy.raw == finished.handle }) else { return }
        let error = transfer.easy.error(for: finished.result)
        if error == nil || transfer.exchange.isStreaming, let head = transfer.easy.collector.head {
            _ = transfer.exchange.deliver(head: head, body: transfer.easy.collector.takePending(), isPaused: false)
        }
        transfer.exchange.finish(error)
        remove(transfer.exchange)
    }

    /// Takes a transfer out, which ends it if it is under way.
    private func remove(_ exchange: Exchange) {
        guard let transfer = transfers.removeValue(forKey: ObjectIdentifier(exchange)) else { return }
        multi.remove(transfer.easy)
        recycle(transfer.easy)
    }

    private func takeHandle(callSite: String) throws(HTTPError) -> EasyHandle {
        if let spare = spareHandles.popLast() { return spare }
        return try EasyHandle(callSite: callSite)
    }

    private func recycle(_ easy: EasyHandle) {
        easy.reset()
        if spareHandles.count < Self.maximumSpareHandles { spareHandles.append(easy) }
    }

    private func findCertificateAuthorities() {
        guard !hasCertificateAuthorities else { return }
        hasCertificateAuthorities = true
        options.certificateAuthorities = options.certificateAuthorities ?? CurlLibrary.findCertificateAuthorities()
    }
}
