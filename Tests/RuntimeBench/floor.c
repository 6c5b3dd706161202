// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// The floor: about the least that a client of the Runtime API can do over one kept-alive connection. One buffer that is
// read into and written from, four system calls for a small payload, and of HTTP only what this protocol needs. It
// survives nothing unexpected: it is a ruler and not a runtime.

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CAPACITY = 8 << 20 };

static char buffer[CAPACITY + 1];
static char *body;
static size_t body_length;

_Noreturn static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void transmit(int connection, const char *head, size_t head_length) {
    struct iovec parts[2] = {{(void *)(uintptr_t)head, head_length}, {body, body_length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(connection, &message, MSG_NOSIGNAL) != (ssize_t)(head_length + body_length)) fail("sendmsg");
}

static const char *header(const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(buffer, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            return line + length + 1 + strspn(line + length + 1, " ");
        }
    }
    fail(name);
}

// Receives a response: afterwards the buffer holds its head as a string, and its body.
static void receive(int connection) {
    size_t length = 0, wanted = 1;
    char *end = NULL;
    while (length < wanted) {
        ssize_t count = recv(connection, buffer + length, (end == NULL ? CAPACITY : wanted) - length, 0);
        if (count <= 0) fail("recv");
        length += (size_t)count;
        if (end == NULL && (end = memmem(buffer, length, "\r\n\r\n", 4)) != NULL) {
            *end = 0;
            body = end + 4;
            body_length = strtoul(header("Content-Length"), NULL, 10);
            wanted = (size_t)(body - buffer) + body_length;
            if (wanted > CAPACITY) fail("too large");
        } else if (end == NULL) {
            wanted = length + 1;
        }
    }
}

int main(void) {
    const char *address = getenv("AWS_LAMBDA_RUNTIME_API");
    char host[64] = "", next[256], head[512];
    int port = 0, one = 1;
    if (address == NULL || sscanf(address, "%63[^:]:%d", host, &port) != 2) fail("AWS_LAMBDA_RUNTIME_API");
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, host, &peer.sin_addr) != 1 || connection < 0 ||
        connect(connection, (struct sockaddr *)&peer, sizeof peer) != 0 ||
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        fail("connect");
    }
    int next_length = snprintf(
        next, sizeof next, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", address);
    for (;;) {
        body_length = 0;
        transmit(connection, next, (size_t)next_length);
        receive(connection);
        const char *id = header("Lambda-Runtime-Aws-Request-Id");
        int head_length = snprintf(
            head, sizeof head,
            "POST /2018-06-01/runtime/invocation/%.*s/response HTTP/1.1\r\nHost: %s\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
            (int)strcspn(id, "\r"), id, address, body_length);
        transmit(connection, head, (size_t)head_length);
        receive(connection);
    }
}
