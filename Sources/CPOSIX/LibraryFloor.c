// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// Own definitions of what a static Swift runtime would otherwise ask a newer C library for than Lambda's platform has
// (glibc 2.34 in provided.al2023). A program that wants a newer version of a symbol does not start there at all.
//
// Hidden, so that nothing but the program itself uses them.

#include <features.h>

#if defined(__GLIBC__)

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

// libswiftGlibc refers to hypotf, which has a new version, GLIBC_2.35, since it no longer goes through the SVID error
// handling. As there: the sum of two squares of floats fits in a double, so only the result can overflow.
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
    if (isinf(x) || isinf(y)) {
        return HUGE_VALF;
    }
    float result = (float)__builtin_sqrt((double)x * x + (double)y * y);
    if (isinf(result)) {
        errno = ERANGE;
    }
    return result;
}

// std::random_device of a static libstdc++ refers to it, GLIBC_2.36. Nothing in a bootstrap calls that; the linker leaves
// it out and keeps the reference.
__attribute__((visibility("hidden"))) uint32_t arc4random(void) {
    uint32_t number;
    while (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
        if (errno != EINTR) {
            abort();
        }
    }
    return number;
}

#endif
