// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// A Runtime API that starts one client, hands it invocations, and measures it.
//
// Usage: service SIZE WARM-UP COUNT PROGRAM [ARGUMENT…] - payloads of SIZE bytes; of WARM-UP + COUNT invocations the last
// COUNT are measured. Prints one line of JSON:
//
//   {"wall": ns, "cpu": ns, "resident": bytes}    from the /next after the warm-up to the /next after the last answer
//
// Each answer must be the payload, byte for byte, which differs from one invocation to the next. The status is 1 when
// anything else happens than what the protocol says, and the client never outlives this process.

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SECONDS_OF_SILENCE = 30,
    LARGEST_HEAD = 16 << 10,
    NUMBER_DIGITS = 10,
};

#define NEXT "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
#define ANSWER "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n"
#define REGISTER "POST /2020-01-01/extension/register HTTP/1.1\r\n"
#define EVENT "GET /2020-01-01/extension/event/next HTTP/1.1\r\n"

static pid_t client;

_Noreturn static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "service: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    if (client > 0) {
        kill(client, SIGKILL);
        waitpid(client, NULL, 0);
    }
    exit(1);
}

static long long nanoseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) fail("clock_gettime: %s", strerror(errno));
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// The bytes of physical memory that the client holds.
static long long resident_bytes(void) {
    char path[64], line[256];
    long long kibibytes = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)client);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail("%s: %s", path, strerror(errno));
    while (kibibytes < 0 && fgets(line, sizeof line, file) != NULL) sscanf(line, "VmRSS: %lld kB", &kibibytes);
    fclose(file);
    return kibibytes * 1024;
}

static void start_client(char **arguments, int port) {
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    pid_t parent = getpid();
    client = fork();
    if (client < 0) fail("fork: %s", strerror(errno));
    if (client > 0) return;
    // The parent may have gone between the fork and the call.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(126);
    setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
    execv(arguments[0], arguments);
    fprintf(stderr, "service: %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static int listen_on_loopback(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    // Also a limit for accept(): a client that does not start ends the service.
    struct timeval limit = {.tv_sec = SECONDS_OF_SILENCE};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        fail("no socket to listen on: %s", strerror(errno));
    }
    *port = ntohs(address.sin_port);
    return listener;
}

static int accept_client(int listener) {
    int one = 1;
    struct timeval limit = {.tv_sec = SECONDS_OF_SILENCE};
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) fail("no connection from the client: %s", strerror(errno));
    if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
        fail("setsockopt: %s", strerror(errno));
    }
    return connection;
}

// One request, in a buffer that is used again: the head as a string, and the body.
struct request {
    char *buffer;
    size_t capacity;
    char *body;
    size_t body_length;
};

// The value of a header line, or NULL. The head ends with an empty line, cut off by a NUL.
static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            return line + length + 1 + strspn(line + length + 1, " \t");
        }
    }
    return NULL;
}

// Receives a request; false when the client has closed the connection instead.
static bool receive(int connection, struct request *request) {
    size_t length = 0, wanted = 0;
    char *end = NULL;
    while (end == NULL || length < wanted) {
        ssize_t count = recv(connection, request->buffer + length, request->capacity - length, 0);
        if (count < 0) fail("recv: %s", strerror(errno));
        if (count == 0 && length == 0) return false;
        if (count == 0) fail("a request of %zu bytes has no end", length);
        length += (size_t)count;
        if (end == NULL && (end = memmem(request->buffer, length, "\r\n\r\n", 4)) != NULL) {
            *end = 0;
            const char *announced = header(request->buffer, "Content-Length");
            if (header(request->buffer, "Transfer-Encoding") != NULL) fail("a body in chunks");
            if (header(request->buffer, "Expect") != NULL) fail("a client that waits for 100 Continue");
            request->body = end + 4;
            request->body_length = announced == NULL ? 0 : strtoul(announced, NULL, 10);
            wanted = (size_t)(request->body - request->buffer) + request->body_length;
        }
        if (wanted > request->capacity || (end == NULL && length > LARGEST_HEAD)) fail("too large a request");
    }
    if (length != wanted) fail("%zu bytes after the end of a request", length - wanted);
    return true;
}

static void transmit(int connection, const char *head, const char *body, size_t body_length) {
    size_t head_length = strlen(head);
    struct iovec parts[2] = {{(void *)(uintptr_t)head, head_length}, {(void *)(uintptr_t)body, body_length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    // A blocking socket takes everything at once, unless a signal comes between; there are no handlers here.
    ssize_t count = sendmsg(connection, &message, MSG_NOSIGNAL);
    if (count != (ssize_t)(head_length + body_length)) fail("sendmsg: %zd: %s", count, strerror(errno));
}

static void transmit_invocation(int connection, long number, const char *id, const char *payload, size_t length) {
    char head[1024];
    long long deadline = nanoseconds(CLOCK_REALTIME) / 1000000 + 60000;
    snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: %s\r\n"
        "Lambda-Runtime-Deadline-Ms: %lld\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:echo\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5e1b4151-%024lx;Parent=%016lx;Sampled=0\r\n"
        "Content-Length: %zu\r\n\r\n",
        id, deadline, number, number, length);
    transmit(connection, head, payload, length);
}

static bool begins(const struct request *request, const char *expected) {
    return strncmp(request->buffer, expected, strlen(expected)) == 0;
}

static void expect(const struct request *request, const char *expected) {
    if (begins(request, expected)) return;
    fail(
        "%.*s instead of %.*s", (int)strcspn(request->buffer, "\r"), request->buffer, (int)strcspn(expected, "\r"),
        expected);
}

// The next request of the runtime. An extension is registered on the way, and left without events: its connection is not
// even looked at, unless the runtime makes a new one.
static void receive_request(int listener, int *connection, struct request *request) {
    for (;;) {
        if (*connection == -1) *connection = accept_client(listener);
        if (!receive(*connection, request)) {
            close(*connection);
            *connection = -1;
        } else if (begins(request, EVENT)) {
            *connection = -1;
        } else if (begins(request, REGISTER)) {
            transmit(
                *connection,
                "HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: 1b4a2b1c-0000-0000-0000-000000000000\r\n"
                "Content-Length: 2\r\n\r\n",
                "{}", 2);
        } else {
            return;
        }
    }
}

static void check_answer(const struct request *request, const char *id, const char *payload, size_t length) {
    char expected[256];
    snprintf(expected, sizeof expected, ANSWER, id);
    expect(request, expected);
    if (request->body_length != length || memcmp(request->body, payload, length) != 0) {
        fail("the answer to %s is not its payload", id);
    }
}

// A JSON string of that many bytes, which begins with a number.
static char *make_payload(size_t size) {
    char *payload = malloc(size);
    if (payload == NULL) fail("no memory");
    memset(payload, 'x', size);
    payload[0] = payload[size - 1] = '"';
    return payload;
}

static void set_number(char *payload, long number) {
    char digits[32];
    snprintf(digits, sizeof digits, "%0*ld", NUMBER_DIGITS, number);
    memcpy(payload + 1, digits, NUMBER_DIGITS);
}

static long argument(const char *text, long least) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != 0 || value < least || value > 1000000000) fail("%s: not a number from %ld on", text, least);
    return value;
}

int main(int count, char **arguments) {
    if (count < 5) fail("usage: service SIZE WARM-UP COUNT PROGRAM [ARGUMENT...]");
    size_t size = (size_t)argument(arguments[1], NUMBER_DIGITS + 2);
    long warm_up = argument(arguments[2], 1), last = warm_up + argument(arguments[3], 1);
    struct request request = {.capacity = size + LARGEST_HEAD};
    request.buffer = malloc(request.capacity + 1);
    char *payload = make_payload(size);
    if (request.buffer == NULL) fail("no memory");

    int port;
    int listener = listen_on_loopback(&port);
    start_client(arguments + 4, port);
    // User and system time of all threads, ended ones too, in nanoseconds, and not in ticks of 10 ms.
    clockid_t cpu_clock;
    int result = clock_getcpuclockid(client, &cpu_clock);
    if (result != 0) fail("clock_getcpuclockid: %s", strerror(result));

    int connection = -1;
    long long wall = 0, cpu = 0;
    for (long number = 0;; number++) {
        receive_request(listener, &connection, &request);
        expect(&request, NEXT);
        // The client waits now, at the same point of its loop each time.
        if (number == warm_up || number == last) {
            wall = nanoseconds(CLOCK_MONOTONIC) - wall;
            cpu = nanoseconds(cpu_clock) - cpu;
        }
        if (number == last) break;

        char id[64];
        snprintf(id, sizeof id, "8476a536-e9f4-11e8-9739-%012lx", number);
        set_number(payload, number);
        transmit_invocation(connection, number, id, payload, size);
        receive_request(listener, &connection, &request);
        check_answer(&request, id, payload, size);
        static const char accepted[] = "{\"status\":\"OK\"}\n";
        transmit(
            connection, "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n", accepted,
            sizeof accepted - 1);
    }
    long long resident = resident_bytes();
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    printf("{\"wall\": %lld, \"cpu\": %lld, \"resident\": %lld}\n", wall, cpu, resident);
    return 0;
}
