# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What our client does with answers other than successes, and where it finds endpoints and credentials."""

import json
import time

from caller import Caller, Recorder, free_port
from expecting import FUNCTION, KEYS, ROLE, contains, equal


def failure_scenarios(program):
    throttled = (429, "TooManyRequestsException", {"message": "Rate exceeded: secret"})
    failed = (503, "ServiceUnavailableException", {})

    def answered(answers, do="invoke", attempts=3, credentials=None, environment={}, **arguments):
        """What the caller says, and how many requests of each path there were."""
        with Recorder(answers, credentials) as recorder, Caller(program) as caller:
            variables = {**KEYS, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": recorder.url, **environment}
            if credentials:
                for name in KEYS:
                    del variables[name]
                variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = recorder.url + "/credentials"
                variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "a token"
            arguments = {"name": "agent", "payload": {"text": "secret"}, "target": FUNCTION, "role": ROLE, **arguments}
            answer = caller.call(do, variables, attempts=attempts, **arguments)
            if "secret" in answer.get("detail", "") or KEYS["AWS_SECRET_ACCESS_KEY"] in answer.get("detail", ""):
                raise AssertionError("the error says too much: %s" % answer["detail"])
            return answer, recorder.requests

    def repeated():
        for trouble in (throttled, failed, (500, "InternalServerException", {}), (400, "ThrottlingException", {})):
            answer, requests = answered([trouble, trouble])
            equal((list(answer), len(requests)), (["result"], 3))
        answer, requests = answered([throttled] * 9)
        equal((answer["error"], answer["isRetryable"], len(requests)), ("throttled", True, 3))
        # The token of a repeated request is the same, that of the next call another.
        tokens = []
        for _ in range(2):
            _, requests = answered([failed], do="create", name="wake")
            tokens += [json.loads(body)["ClientToken"] for _, _, _, body in requests]
        equal((len(tokens), len(set(tokens)), tokens[0] == tokens[1]), (4, 2, True))

    def refused():
        for status, type, code in (
                (400, "ValidationException", "refused"), (402, "ServiceQuotaExceededException", "throttled"),
                (403, "InvalidSignatureException", "invalidSignature"), (403, "ExpiredTokenException", "expiredCredentials"),
                (403, "UnrecognizedClientException:http://x/", "invalidSignature"), (404, "", "notFound"),
                (413, "RequestTooLargeException", "tooLarge"), (418, "x y", "refused")):
            answer, requests = answered([(status, type, {"message": "secret"})] * 9)
            equal((answer["error"], answer["isRetryable"], len(requests)), (code, False, 1))

    def advice():
        denied = "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: iam:PassRole on resource: secret"
        answer, _ = answered([(403, "AccessDeniedException", {"Message": denied})], do="create", name="wake")
        contains(answer["detail"], "the role of the function needs iam:PassRole")
        assume = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        answer, _ = answered([(400, "ValidationException", {"Message": assume})], do="create", name="wake")
        contains(answer["detail"], "does not let scheduler.amazonaws.com assume it")
        answer, _ = answered([], environment={"AWS_REGION": ""})
        contains(answer["detail"], "AWS_REGION is not set")
        answer, _ = answered([], environment={"AWS_ACCESS_KEY_ID": ""})
        contains(answer["detail"], "there are no credentials")
        answer, _ = answered([], environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:%d" % free_port()})
        equal((answer["error"], answer["isRetryable"]), ("unreachable", True))

    def endpoints():
        """The variable of the service is stronger than that of all."""
        with Recorder() as recorder:
            environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_LAMBDA": recorder.url}
            answer, _ = answered([], environment=environment)
            equal((list(answer), len(recorder.requests)), (["result"], 1))

    def snapshot_credentials():
        """What functions with SnapStart get in place of keys."""
        keys = {"AccessKeyId": "AKIASNAP", "SecretAccessKey": "k", "Token": "session", "Expiration": "2099-01-01T00:00:00Z"}
        answer, requests = answered([throttled], credentials=keys)
        equal(list(answer), ["result"])
        # They are asked for once.
        equal([target == "/credentials" for _, target, _, _ in requests], [True, False, False])
        equal(dict(requests[0][2])["Authorization"], "a token")
        contains(dict(requests[1][2])["Authorization"], "Credential=AKIASNAP/")
        equal(dict(requests[1][2])["X-Amz-Security-Token"], "session")
        # When AWS calls them expired, they are asked for again; and each time when they are about to expire.
        _, requests = answered([(403, "ExpiredTokenException", {})], credentials=keys)
        equal([target == "/credentials" for _, target, _, _ in requests], [True, False, True, False])
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        _, requests = answered([throttled], credentials={**keys, "Expiration": soon})
        equal([target == "/credentials" for _, target, _, _ in requests], [True, False, True, False])
        answer, _ = answered([], credentials={"Message": "secret"})
        equal(answer["error"], "invalidResponse")
        elsewhere = {"AWS_ACCESS_KEY_ID": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/credentials"}
        answer, _ = answered([], environment=elsewhere)
        equal(answer["error"], "invalidConfiguration")

    return [("what may pass is tried again", repeated), ("what will not pass is not", refused),
            ("errors say what to do and nothing else", advice), ("endpoints come from the environment", endpoints),
            ("credentials come from the endpoint of SnapStart", snapshot_credentials)]
