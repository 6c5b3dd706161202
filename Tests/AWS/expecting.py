# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What the scenarios have in common."""

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
ACCOUNT = "123456789012"
ROLE = "arn:aws:iam::%s:role/scheduler" % ACCOUNT
FUNCTION = "arn:aws:lambda:eu-west-1:%s:function:agent" % ACCOUNT
MOMENT = 4_070_908_800  # 2099-01-01T00:00:00Z


def equal(found, expected):
    if found != expected:
        raise AssertionError("found %.600r, expected %.600r" % (found, expected))


def contains(text, part):
    if part not in text:
        raise AssertionError("%r is not in %.400r" % (part, text))
