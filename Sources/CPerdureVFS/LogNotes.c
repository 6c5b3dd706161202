// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#include "LogNotes.h"

#include <string.h>

static int64_t big_endian(const uint8_t *bytes) {
    return (int64_t)bytes[0] << 24 | (int64_t)bytes[1] << 16 | (int64_t)bytes[2] << 8 | (int64_t)bytes[3];
}

void perdure_log_notes_read(log_notes *notes, const void *bytes, size_t count, int64_t offset) {
    if (offset != 0 || count != LOG_HEADER_SIZE) return;
    memcpy(notes->end.header, bytes, count);
    notes->has_header = true;
}

void perdure_log_notes_written(log_notes *notes, const void *bytes, size_t count, int64_t offset) {
    perdure_log_end *end = &notes->end;
    if (offset == 0 && count == LOG_HEADER_SIZE) {
        // The log begins anew.
        *notes = (log_notes){.has_header = true};
        memcpy(end->header, bytes, count);
    } else if (count == FRAME_HEADER_SIZE) {
        memcpy(end->frame, bytes, count);
        end->frame_offset = offset;
        notes->has_frame = true;
    }
    if (offset + (int64_t)count > end->size) end->size = offset + (int64_t)count;
}

bool perdure_log_notes_end(const log_notes *notes, perdure_log_end *end) {
    if (!notes->has_header || !notes->has_frame) return false;
    int64_t page_size = big_endian(notes->end.header + 8);
    // "For commit records, the size of the database file in pages after the commit. For all other records, zero."
    if (big_endian(notes->end.frame + 4) == 0) return false;
    if (notes->end.frame_offset + FRAME_HEADER_SIZE + page_size != notes->end.size) return false;
    *end = notes->end;
    return true;
}
