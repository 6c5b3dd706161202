// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CPOSIX.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int ends[2] = {-1, -1};

static void on_termination(int signal) {
    (void)signal;
    int before = errno;
    // A full pipe has a byte in it already, which is all that is wanted.
    ssize_t written = write(ends[1], "", 1);
    (void)written;
    errno = before;
}

int cposix_watch_termination(void) {
    struct sigaction present;
    if (sigaction(SIGTERM, NULL, &present) == -1) return -1;
    if (present.sa_handler != SIG_DFL || ends[0] != -1) {
        errno = EBUSY;
        return -1;
    }
    if (pipe(ends) == -1) return -1;
    for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    struct sigaction action = {.sa_handler = on_termination, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGTERM, &action, NULL) == -1 ? -1 : ends[0];
}
