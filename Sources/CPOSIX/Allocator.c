// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

#include "CPOSIX.h"

#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void cposix_keep_freed_memory(void) {
#if defined(__GLIBC__)
    // Either fails only for values out of range; 32 MiB is the largest that M_MMAP_THRESHOLD takes.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
#endif
}
