// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef FILEMETHODS_H
#define FILEMETHODS_H

#include "DatabaseFiles.h"

/// What SQLite does with an open_file. Version 1: no shared memory, and no memory mapping.
extern const sqlite3_io_methods perdure_file_methods;

/// Empties the log. A connection, if there is one, does not have it open.
int perdure_log_empty(perdure_files *files);

#endif
