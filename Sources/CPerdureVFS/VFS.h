// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#ifndef VFS_H
#define VFS_H

/// Makes the layer known to SQLite under PERDURE_VFS_NAME, once, and not as the default. Returns a result code.
int perdure_vfs_register(void);

#endif
