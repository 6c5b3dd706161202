// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef FILEOPERATIONS_H
#define FILEOPERATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "DatabaseFiles.h"

// The operations with a name: each is counted, asks the plan, makes its system calls, and ends the connection when it
// fails. `kind` is DATABASE or LOG. They return SQLite's result codes. The caller has asked perdure_files_refuse().

/// Reads as many of the bytes as the file has (`*filled`).
int perdure_files_read(perdure_files *files, int kind, void *bytes, size_t count, int64_t offset, size_t *filled);

int perdure_files_write(perdure_files *files, int kind, const void *bytes, size_t count, int64_t offset);

int perdure_files_sync(perdure_files *files, int kind);

int perdure_files_truncate(perdure_files *files, int kind, int64_t size);

int perdure_files_size(perdure_files *files, int kind, int64_t *size);

#endif
