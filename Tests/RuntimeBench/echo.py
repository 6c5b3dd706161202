# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Handlers for AWS's client."""


def handler(event, _context):
    return event


def wrong(event, _context):
    return event[:-1]
