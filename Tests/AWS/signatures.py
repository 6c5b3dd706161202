# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Our requests and their signatures beside those of AWS's own client."""

import json
import random

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from caller import Caller, Recorder
from expecting import FUNCTION, KEYS, MOMENT, ROLE, equal


def resigned(request, origin, environment, service):
    """What botocore would have put into `Authorization` for the request that was recorded."""
    method, target, headers, body = request
    by_name = {name.lower(): value for name, value in headers}
    # Ours are all that is sent but these two; botocore adds date and token anew.
    named = by_name["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    again = AWSRequest(
        method=method, url=origin + target, data=body,
        headers={name: by_name[name] for name in named if name not in ("host", "x-amz-date", "x-amz-security-token")})
    again.context["timestamp"] = by_name["x-amz-date"]
    signer = SigV4Auth(
        Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"],
                    environment.get("AWS_SESSION_TOKEN")), service, environment["AWS_REGION"])
    again.headers["X-Amz-Date"] = by_name["x-amz-date"]
    if environment.get("AWS_SESSION_TOKEN"):
        again.headers["X-Amz-Security-Token"] = environment["AWS_SESSION_TOKEN"]
    canonical = signer.canonical_request(again)
    return "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s" % (
        signer.scope(again), signer.signed_headers(signer.headers_to_sign(again)),
        signer.signature(signer.string_to_sign(again, canonical), again))


def signature_scenarios(program):
    def same_as_botocore(count):
        """Names, qualifiers, payloads, tokens and endpoints of all kinds."""
        chosen = random.Random(7)
        letters = "abzAZ019-_.~:/ %+=&?#*'(),;@!$[]\\\"\u00e9\u4e2d\U0001f642"

        def word(longest=12):
            return "".join(chosen.choice(letters) for _ in range(chosen.randint(1, longest)))

        with Recorder() as recorder, Caller(program) as caller:
            for number in range(count):
                region = chosen.choice(["eu-west-1", "us-east-1", "cn-north-1"])
                environment = {
                    "AWS_ACCESS_KEY_ID": "AKIA%d" % number, "AWS_SECRET_ACCESS_KEY": word(90), "AWS_REGION": region,
                    "AWS_ENDPOINT_URL": recorder.url + chosen.choice(["", "/", "/base", "/a%20b/"])}
                if chosen.random() < 0.7:
                    environment["AWS_SESSION_TOKEN"] = "".join(chosen.choice("abc+/=0") for _ in range(300))
                service, arguments = chosen.choice([
                    ("lambda", {"do": "invoke", "name": chosen.choice([word(), FUNCTION]), "payload": {word(): word(200)}}),
                    ("scheduler", {"do": "create", "name": word(), "group": word(), "moment": MOMENT + number,
                                   "target": FUNCTION, "role": ROLE, "payload": {"text": word(200)}}),
                    ("scheduler", {"do": "update", "name": word(), "target": FUNCTION, "role": ROLE}),
                    ("scheduler", {"do": "delete", "name": word(), "group": word()}),
                    ("scheduler", {"do": "get", "name": word(), "group": word()})])
                if service == "lambda" and chosen.random() < 0.5:
                    arguments.update(qualifier=word(), trace="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
                recorder.requests.clear()
                caller.call(environment=environment, **arguments)
                request, = recorder.requests
                found = dict(request[2])["Authorization"]
                equal(found, resigned(request, recorder.url, environment, service))

    def what_is_sent():
        """The requests that the two clients make for the same call, but for what each client says of itself."""
        with Recorder() as recorder, Caller(program) as caller:
            environment = {**KEYS, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": recorder.url, "AWS_SESSION_TOKEN": "t"}
            options = {"region_name": "eu-west-1", "endpoint_url": recorder.url, "aws_session_token": "t",
                       "aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"],
                       "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
            caller.call("invoke", environment, name=FUNCTION, qualifier="3", payload={"a": "ü"})
            boto3.client("lambda", **options).invoke(
                FunctionName=FUNCTION, Qualifier="3", InvocationType="Event", Payload='{"a":"ü"}'.encode())
            caller.call("create", environment, name="wake.1", group="g", moment=MOMENT, target=FUNCTION, role=ROLE,
                        payload={"a": "ü"})
            scheduler = boto3.client("scheduler", **options)
            schedule = {
                "Name": "wake.1", "GroupName": "g", "ScheduleExpression": "at(2099-01-01T00:00:00)",
                "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "ENABLED",
                "ActionAfterCompletion": "DELETE",
                "Target": {"Arn": FUNCTION, "RoleArn": ROLE, "Input": '{"a":"ü"}'}}
            scheduler.create_schedule(**schedule)
            caller.call("update", environment, name="wake.1", group="g", moment=MOMENT, target=FUNCTION, role=ROLE,
                        payload={"a": "ü"})
            scheduler.update_schedule(**schedule)
            caller.call("delete", environment, name="wake.1", group="g")
            scheduler.delete_schedule(Name="wake.1", GroupName="g")
            caller.call("get", environment, name="wake.1", group="g")
            scheduler.get_schedule(Name="wake.1", GroupName="g")

            def comparable(request):
                method, target, headers, body = request
                path, _, query = target.partition("?")
                # The random token of each client.
                query = sorted(item for item in query.split("&") if not item.startswith("clientToken="))
                value = json.loads(body) if body else None
                if isinstance(value, dict) and "ClientToken" in value:
                    value["ClientToken"] = bool(value["ClientToken"])
                names = {name.lower(): text for name, text in headers}
                return method, path, query, value, names.get("x-amz-invocation-type"), names["host"]

            equal(len(recorder.requests), 10)
            for ours, theirs in zip(recorder.requests[::2], recorder.requests[1::2]):
                for part, other in zip(comparable(ours), comparable(theirs)):
                    equal(part, other)

    return [("300 signatures are those of botocore", lambda: same_as_botocore(300)),
            ("the requests are those of boto3", what_is_sent)]
