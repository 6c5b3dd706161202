// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CPerdureVFS.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[PERDURE_OPERATIONS] = {
    [PERDURE_DB_OPEN] = "db.open",         [PERDURE_DB_READ] = "db.read",
    [PERDURE_DB_WRITE] = "db.write",       [PERDURE_DB_SYNC] = "db.sync",
    [PERDURE_DB_TRUNCATE] = "db.truncate", [PERDURE_DB_SIZE] = "db.size",
    [PERDURE_WAL_OPEN] = "wal.open",       [PERDURE_WAL_READ] = "wal.read",
    [PERDURE_WAL_WRITE] = "wal.write",     [PERDURE_WAL_SYNC] = "wal.sync",
    [PERDURE_WAL_TRUNCATE] = "wal.truncate", [PERDURE_WAL_SIZE] = "wal.size",
    [PERDURE_DIR_SYNC] = "dir.sync",       [PERDURE_LOCK_DB] = "lock.db",
    [PERDURE_LOCK_WAL] = "lock.wal",       [PERDURE_UNLOCK_DB] = "unlock.db",
    [PERDURE_UNLOCK_WAL] = "unlock.wal",   [PERDURE_WAL_REMOVE] = "wal.remove",
    [PERDURE_DIR_UNLINK] = "dir.unlink",
};

const char *perdure_operation_name(int operation) {
    return operation >= 0 && operation < PERDURE_OPERATIONS ? names[operation] : NULL;
}

// The plan of the process, and what it has counted. Both are guarded by the mutex.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static perdure_fault_plan current;
static char *within;
static uint64_t seen;
// Whether there is a plan. Read without the mutex, so that there being none costs nothing else.
static atomic_bool armed;

int perdure_fault_plan_set(const perdure_fault_plan *plan) {
    char *prefix = NULL;
    if (plan != NULL) {
        if (plan->operation < PERDURE_ANY || plan->operation >= PERDURE_OPERATIONS) return EINVAL;
        if (plan->action < PERDURE_FAIL || plan->action > PERDURE_KILL_AFTER) return EINVAL;
        if (plan->action == PERDURE_FAIL && plan->first != 0 && plan->error <= 0) return EINVAL;
        if (plan->within != NULL && (prefix = strdup(plan->within)) == NULL) return ENOMEM;
    }
    pthread_mutex_lock(&mutex);
    free(within);
    within = prefix;
    if (plan != NULL) {
        current = *plan;
        seen = 0;
    }
    atomic_store(&armed, plan != NULL);
    pthread_mutex_unlock(&mutex);
    return 0;
}

uint64_t perdure_fault_plan_seen(void) {
    pthread_mutex_lock(&mutex);
    uint64_t count = seen;
    pthread_mutex_unlock(&mutex);
    return count;
}

// Whether the plan hits this operation, which is counted; if so, copies the plan.
static bool hits(int operation, const char *path, perdure_fault_plan *plan) {
    bool hit = false;
    pthread_mutex_lock(&mutex);
    if (atomic_load(&armed) && (current.operation == PERDURE_ANY || current.operation == operation) &&
        (within == NULL || strncmp(path, within, strlen(within)) == 0)) {
        seen += 1;
        hit = current.first != 0 && seen >= current.first && seen - current.first < current.times;
        *plan = current;
    }
    pthread_mutex_unlock(&mutex);
    return hit;
}

static void end_process(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

int perdure_fault_act(const perdure_fault *fault) {
    switch (fault->action) {
    case PERDURE_FAIL: return fault->planned_error;
    case PERDURE_DELAY: {
        struct timespec left = {fault->milliseconds / 1000, (long)(fault->milliseconds % 1000) * 1000000};
        while (nanosleep(&left, &left) == -1 && errno == EINTR) continue;
        return 0;
    }
    case PERDURE_STOP: raise(SIGSTOP); return fault->planned_error;
    case PERDURE_KILL: end_process(); return 0;
    default: return 0;
    }
}

perdure_fault perdure_fault_before(int operation, const char *path) {
    perdure_fault fault = {.action = -1};
    if (!atomic_load_explicit(&armed, memory_order_relaxed)) return fault;
    perdure_fault_plan plan;
    if (!hits(operation, path, &plan)) return fault;
    bool writes = operation == PERDURE_DB_WRITE || operation == PERDURE_WAL_WRITE;
    fault = (perdure_fault){
        .tears = plan.bytes >= 0 && writes,
        .action = plan.action,
        .planned_error = plan.error,
        .bytes = plan.bytes,
        .milliseconds = plan.milliseconds,
    };
    if (!fault.tears) fault.error = perdure_fault_act(&fault);
    return fault;
}

void perdure_fault_after(const perdure_fault *fault) {
    if (fault->action == PERDURE_KILL_AFTER) end_process();
}
