// SPDX-License-Identifier: Apache-2.0
// Copyright (c) 2026 the Perdure contributors

// Typed wrappers for libcurl's variadic functions, which Swift cannot call: one function per argument type. `long` stays
// `long`, because libcurl reads the argument back as exactly that type.

#ifndef PERDURE_CCURL_SHIM_H
#define PERDURE_CCURL_SHIM_H

#include <curl/curl.h>

// 7.87 is the first with CURLOPT_QUICK_EXIT, without which a cancelled name lookup blocks until the resolver gives up.
#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed"
#endif

static inline CURLcode ccurl_setopt_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_bytes(CURL *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_write_function(CURL *handle, CURLoption option, curl_write_callback value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_setopt_read_function(CURL *handle, curl_read_callback value) {
    return curl_easy_setopt(handle, CURLOPT_READFUNCTION, value);
}

static inline CURLcode ccurl_setopt_seek_function(CURL *handle, curl_seek_callback value) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, value);
}

static inline CURLcode ccurl_setopt_prereq_function(CURL *handle, curl_prereq_callback value) {
    return curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, value);
}

static inline CURLcode ccurl_setopt_trailer_function(CURL *handle, curl_trailer_callback value) {
    return curl_easy_setopt(handle, CURLOPT_TRAILERFUNCTION, value);
}

static inline CURLcode ccurl_getinfo_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

/* Whether the handle watches no socket at all. Of sockets from FD_SETSIZE (1024) on it sees none. */
static inline int ccurl_multi_watches_nothing(CURLM *multi) {
    fd_set readable, writable, exceptional;
    int highest = -1;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&exceptional);
    return curl_multi_fdset(multi, &readable, &writable, &exceptional, &highest) == CURLM_OK && highest == -1;
}

static inline CURLMcode ccurl_multi_setopt_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The next finished transfer: its handle and result, or NULL. (CURLMsg holds a union, which Swift reads untyped.)
static inline CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result) {
    int left = 0;
    for (;;) {
        CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message == NULL) {
            return NULL;
        }
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
}

// OpenSSL's, where libcurl is linked with it: resolved when the program is.
extern int RAND_poll(void) __attribute__((weak));

/* Mixes fresh random bytes of the system into the generator of the TLS library, where that is OpenSSL. */
static inline void ccurl_reseed(void) {
    if (RAND_poll != NULL) RAND_poll();
}

#endif
