#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""moto's server, with one fault put right: it takes the query of a request without a body for the body when it computes
the signature, and so refuses AWS's own clients. The driver looks that boto3 is let in, and that wrong keys are not."""

import sys

from moto.iam.access_control import IAMRequestBase
from moto.server import main

create = IAMRequestBase._create_aws_request


def create_aws_request(self):
    self._data = None
    return create(self)


IAMRequestBase._create_aws_request = create_aws_request
main(sys.argv[1:])
