// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef LOGBUFFER_H
#define LOGBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// One run of bytes that is to become one write.
typedef struct {
    unsigned char *bytes;
    size_t count;
    size_t capacity;
    /// Where the first byte belongs in the file.
    int64_t start;
} log_buffer;

/// A run never gets longer than this. A commit of a turn is 50 to 100 KB; a larger transaction is several writes.
enum { LOG_BUFFER_LIMIT = 1 << 20 };

/// Adds bytes behind the run, or over a part of it. False, and nothing done, when they would leave a gap or make it
/// longer than the limit, or when there is no memory: then the run has to be written first.
bool perdure_log_buffer_put(log_buffer *buffer, const void *bytes, size_t count, int64_t offset);

/// Whether a part of these bytes of the file is in the run.
bool perdure_log_buffer_overlaps(const log_buffer *buffer, size_t count, int64_t offset);

/// Whether all of these bytes of the file are in the run; if so, copies them.
bool perdure_log_buffer_copy(const log_buffer *buffer, void *bytes, size_t count, int64_t offset);

void perdure_log_buffer_free(log_buffer *buffer);

#endif
