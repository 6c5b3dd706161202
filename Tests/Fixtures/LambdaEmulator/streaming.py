# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Streams an answer to the Runtime API, chunk by chunk, over a socket: http.client has no trailers.

Keys of a stream:
  chunks: [text]    base64: true (the chunks are)      size: bytes in all, in place of `chunks`
  gates: {index: path that must exist before that chunk; the index after the last one is the end}
  contentType: text      mode: what to send in place of `streaming`
  errorType: text        error: text that is sent in base64      errorBody: text that is sent as it is
  breaksOff: true (the connection is closed without the last chunk)
"""
import base64
import json
import os
import socket
import time


def post(api, path, headers, stream):
    host, port = api.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    names = {
        **headers, "Host": api, "Transfer-Encoding": "chunked",
        "Lambda-Runtime-Function-Response-Mode": stream.get("mode", "streaming"),
        "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    }
    if "contentType" in stream:
        names["Content-Type"] = stream["contentType"]
    head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
    connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())
    gates = stream.get("gates", {})
    chunks = [base64.b64decode(text) if "base64" in stream else text.encode() for text in stream.get("chunks", [])]
    if "size" in stream:
        chunks = [b"1" * min(1 << 16, stream["size"] - at) for at in range(0, stream["size"], 1 << 16)]
    for index, chunk in enumerate(chunks + [None]):
        while str(index) in gates and not os.path.exists(gates[str(index)]):
            time.sleep(0.01)
        if chunk is not None:
            connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
    if "breaksOff" in stream:
        connection.close()
        return ["broken off", {}]
    trailers = ""
    if "errorType" in stream:
        body = stream.get("errorBody", base64.b64encode(stream.get("error", "").encode()).decode())
        trailers = f"Lambda-Runtime-Function-Error-Type: {stream['errorType']}\r\n"
        trailers += f"Lambda-Runtime-Function-Error-Body: {body}\r\n"
    connection.sendall(f"0\r\n{trailers}\r\n".encode())
    answer = b""
    while b"}\n" not in answer:
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    connection.close()
    status, _, body = answer.partition(b"\r\n\r\n")
    return [int(status.split()[1]), json.loads(body)]
