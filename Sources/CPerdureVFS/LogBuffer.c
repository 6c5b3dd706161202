// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#include "LogBuffer.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(log_buffer *buffer, size_t count) {
    if (count <= buffer->capacity) return true;
    size_t capacity = buffer->capacity == 0 ? 1 << 17 : buffer->capacity;
    while (capacity < count) capacity *= 2;
    unsigned char *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL) return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

bool perdure_log_buffer_put(log_buffer *buffer, const void *bytes, size_t count, int64_t offset) {
    int64_t start = buffer->count == 0 ? offset : buffer->start;
    if (offset < start || offset > start + (int64_t)buffer->count) return false;
    size_t position = (size_t)(offset - start);
    if (count > LOG_BUFFER_LIMIT || position + count > LOG_BUFFER_LIMIT) return false;
    if (!reserve(buffer, position + count)) return false;
    memcpy(buffer->bytes + position, bytes, count);
    buffer->start = start;
    if (position + count > buffer->count) buffer->count = position + count;
    return true;
}

bool perdure_log_buffer_overlaps(const log_buffer *buffer, size_t count, int64_t offset) {
    return buffer->count != 0 && offset < buffer->start + (int64_t)buffer->count &&
           offset + (int64_t)count > buffer->start;
}

bool perdure_log_buffer_copy(const log_buffer *buffer, void *bytes, size_t count, int64_t offset) {
    if (buffer->count == 0 || offset < buffer->start) return false;
    if (offset + (int64_t)count > buffer->start + (int64_t)buffer->count) return false;
    memcpy(bytes, buffer->bytes + (offset - buffer->start), count);
    return true;
}

void perdure_log_buffer_free(log_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (log_buffer){0};
}
