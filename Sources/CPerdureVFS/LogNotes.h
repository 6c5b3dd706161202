// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef LOGNOTES_H
#define LOGNOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CPerdureVFS.h"

// "WAL-mode File Format" in SQLite's manual: the log's header, and the header of each frame.
enum { LOG_HEADER_SIZE = 32, FRAME_HEADER_SIZE = 24 };

/// What is known of a log by what SQLite has read and written. It reads and writes headers as such, each in one call.
typedef struct {
    bool has_header;
    bool has_frame;
    perdure_log_end end;
} log_notes;

/// Takes note of a read that succeeded.
void perdure_log_notes_read(log_notes *notes, const void *bytes, size_t count, int64_t offset);

/// Takes note of a write.
void perdure_log_notes_written(log_notes *notes, const void *bytes, size_t count, int64_t offset);

/// Whether the last thing written was a whole frame that ends a commit; if so, copies the end.
bool perdure_log_notes_end(const log_notes *notes, perdure_log_end *end);

#endif
