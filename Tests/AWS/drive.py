#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Compares our calls to AWS with those of AWS's own client, and makes them against moto.

One line for each scenario, then a count; the status is 1 when one of them failed.
"""

import argparse
import io
import json
import random
import sys
import time
import zipfile

sys.dont_write_bytecode = True
import boto3  # noqa: E402 the line above must come first
from botocore.auth import SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

from caller import Caller, Emulator, Moto, Recorder, free_port  # noqa: E402

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
ACCOUNT = "123456789012"
ROLE = "arn:aws:iam::%s:role/scheduler" % ACCOUNT
FUNCTION = "arn:aws:lambda:eu-west-1:%s:function:agent" % ACCOUNT
# moto takes the name of the operation, Invoke, for that of the permission, which is InvokeFunction.
INVOKE = "lambda:Invoke*"
MOMENT = 4_070_908_800  # 2099-01-01T00:00:00Z
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]}


def equal(found, expected):
    if found != expected:
        raise AssertionError("found %.600r, expected %.600r" % (found, expected))


def contains(text, part):
    if part not in text:
        raise AssertionError("%r is not in %.400r" % (part, text))


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


def emulator_scenarios(program, perdure, bootstrap):
    def own_emulator():
        with Emulator(perdure, bootstrap, "agent") as emulator, Caller(program) as caller:
            account = "000000000000"
            environment = {
                **KEYS, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": emulator.url, "AWS_LAMBDA_FUNCTION_NAME": "agent",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "PERDURE_SCHEDULER_ROLE": "arn:aws:iam::%s:role/r" % account}
            arn = "arn:aws:lambda:us-east-1:%s:function:agent" % account
            for name in ("agent", arn):
                equal(list(caller.call("invoke", environment, name=name, qualifier="live", payload={})), ["result"])
                emulator.line("START")
            answer = caller.call("invoke", environment, name="nobody")
            equal((answer["error"], answer["isRetryable"]), ("notFound", False))
            answer = caller.call("create", environment, name="wake", group="missing", moment=MOMENT, target=arn, role=ROLE)
            equal(answer["error"], "notFound")
            wish = {"name": "ada/1", "payload": {"session": "ada"}}
            equal(caller.call("schedule", environment, moment=int(time.time()) - 5, **wish), {"result": "invoked"})
            emulator.line("START")
            equal(caller.call("schedule", environment, moment=MOMENT, **wish), {"result": "scheduled"})
            soon = int(time.time()) + 2
            equal(caller.call("schedule", environment, moment=soon, **wish), {"result": "rescheduled"})
            emulator.line("START")
            if not soon <= time.time() < soon + 10:
                raise AssertionError("the schedule fired at the wrong time")
            equal(caller.call("cancel", environment, name="ada/1"), {"result": False})

    return [("a function is woken in our emulator", own_emulator)]


class Account:
    """moto with a function, a user whose policy can be changed, and clients that are authorised to everything."""

    def __init__(self, moto, program):
        self.moto, self.caller = moto, Caller(program)
        moto.authorize(False)
        moto.post("/moto-api/reset", b"")
        moto.post("/moto-api/config", {"lambda": {"use_docker": False}})
        self.options = {"region_name": "eu-west-1", "endpoint_url": moto.url, "aws_access_key_id": "any",
                        "aws_secret_access_key": "any"}
        self.iam, self.scheduler, self.functions = (
            boto3.client(name, **self.options) for name in ("iam", "scheduler", "lambda"))
        role = self.iam.create_role(RoleName="scheduler", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", "def handler(event, context): return event")
        self.functions.create_function(
            FunctionName="agent", Runtime="python3.12", Role=role, Handler="main.handler",
            Code={"ZipFile": archive.getvalue()})
        self.iam.create_user(UserName="function")
        key = self.iam.create_access_key(UserName="function")["AccessKey"]
        self.environment = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": moto.url, "AWS_LAMBDA_FUNCTION_NAME": "agent",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "PERDURE_SCHEDULER_ROLE": ROLE}

    def allow(self, *actions):
        """From now on signatures are checked, and nothing but these actions is allowed."""
        policy = {**POLICY, "Statement": [{**POLICY["Statement"][0], "Action": list(actions)}]}
        self.moto.authorize(False)
        self.iam.put_user_policy(UserName="function", PolicyName="p", PolicyDocument=json.dumps(policy))
        self.moto.authorize(True)

    def call(self, do, environment={}, **arguments):
        return self.caller.call(do, {**self.environment, **environment}, **arguments)

    def schedules(self):
        self.moto.authorize(False)
        found = [self.scheduler.get_schedule(Name=entry["Name"], GroupName=entry["GroupName"])
                 for entry in self.scheduler.list_schedules()["Schedules"]]
        self.moto.authorize(True)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.caller.__exit__()


def moto_scenarios(program, moto):
    def invocations():
        with Account(moto, program) as account:
            account.allow(INVOKE)
            for name in ("agent", FUNCTION):
                answer = account.call("invoke", name=name, payload={"text": "ü"})
                equal(list(answer), ["result"])
            equal(account.call("wake", payload={"session": "a"}), {"result": True})
            answer = account.call("invoke", name="agent", payload={"text": "x" * 1_048_576})
            equal(answer["error"], "tooLarge")

    def denied_invocation():
        with Account(moto, program) as account:
            account.allow("lambda:ListFunctions")
            answer = account.call("invoke", name="agent", payload={})
            equal((answer["error"], answer["isRetryable"]), ("accessDenied", False))
            contains(answer["detail"], "needs lambda:InvokeFunction")

    def wrong_keys():
        with Account(moto, program) as account:
            account.allow(INVOKE, "scheduler:*")
            for wrong in ({"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "AKIAWRONG"}):
                for do in ("invoke", "get", "create", "delete"):
                    answer = account.call(do, wrong, name="agent", target=FUNCTION, role=ROLE, moment=MOMENT)
                    contains(answer["detail"], "status 403")
                    contains("invalidSignature accessDenied", answer["error"])
            # And the right ones are let in, ours and those of boto3.
            equal(list(account.call("invoke", name="agent", payload={})), ["result"])
            options = {**account.options, "aws_access_key_id": account.environment["AWS_ACCESS_KEY_ID"],
                       "aws_secret_access_key": account.environment["AWS_SECRET_ACCESS_KEY"]}
            for group in ({}, {"GroupName": "default"}):
                try:
                    boto3.client("scheduler", **options).get_schedule(Name="agent", **group)
                except ClientError as problem:
                    equal(problem.response["Error"]["Code"], "ResourceNotFoundException")

    def schedules():
        with Account(moto, program) as account:
            account.allow("scheduler:*")
            wanted = {"name": "wake", "moment": MOMENT, "target": FUNCTION, "role": ROLE, "payload": {"text": "ü"}}
            equal(account.call("get", name="wake"), {"result": None})
            equal(account.call("update", **wanted), {"result": False})
            equal(account.call("delete", name="wake"), {"result": False})
            equal(account.call("create", **wanted), {"result": True})
            found, = account.schedules()
            equal({name: found[name] for name in ("Name", "GroupName", "ScheduleExpression", "Target", "State",
                                                  "ScheduleExpressionTimezone", "FlexibleTimeWindow",
                                                  "ActionAfterCompletion")},
                  {"Name": "wake", "GroupName": "default", "ScheduleExpression": "at(2099-01-01T00:00:00)",
                   "Target": {"Arn": FUNCTION, "RoleArn": ROLE, "Input": '{"text":"ü"}',
                              "RetryPolicy": found["Target"]["RetryPolicy"]},
                   "State": "ENABLED", "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": {"Mode": "OFF"},
                   "ActionAfterCompletion": "DELETE"})
            # A second create changes nothing.
            equal(account.call("create", **{**wanted, "moment": MOMENT + 60}), {"result": False})
            equal(account.call("get", name="wake")["result"],
                  {"name": "wake", "group": "default", "moment": MOMENT, "target": FUNCTION, "role": ROLE,
                   "input": '{"text":"ü"}'})
            equal(account.call("update", **{**wanted, "moment": MOMENT + 60}), {"result": True})
            equal(account.call("get", name="wake")["result"]["moment"], MOMENT + 60)
            equal(account.call("delete", name="wake"), {"result": True})
            equal(account.call("get", name="wake"), {"result": None})

    def denied_schedule():
        with Account(moto, program) as account:
            account.allow("scheduler:GetSchedule")
            answer = account.call("create", name="wake", moment=MOMENT, target=FUNCTION, role=ROLE)
            equal(answer["error"], "accessDenied")
            contains(answer["detail"], "needs scheduler:CreateSchedule")
            equal(account.call("get", name="wake"), {"result": None})

    def waking():
        with Account(moto, program) as account:
            account.allow("scheduler:*", INVOKE)
            wish = {"name": "ada/1", "moment": MOMENT, "payload": {"session": "ada"}}
            equal(account.call("schedule", **wish), {"result": "scheduled"})
            equal(account.call("schedule", **{**wish, "moment": MOMENT + 60}), {"result": "rescheduled"})
            found, = account.schedules()
            equal((found["ScheduleExpression"], found["Target"]["Arn"], found["Target"]["RoleArn"]),
                  ("at(2099-01-01T00:01:00)", FUNCTION, ROLE))
            equal(account.call("cancel", name="ada/1"), {"result": True})
            equal(account.call("cancel", name="ada/1"), {"result": False})
            equal(account.call("schedule", **{**wish, "moment": int(time.time())}), {"result": "invoked"})
            equal(account.schedules(), [])
            version = {"AWS_LAMBDA_FUNCTION_VERSION": "7"}
            equal(account.call("schedule", version, **wish), {"result": "scheduled"})
            equal(account.schedules()[0]["Target"]["Arn"], FUNCTION + ":7")
            alias = FUNCTION + ":live"
            equal(account.call("schedule", version, **wish, target=alias), {"result": "rescheduled"})
            equal(account.schedules()[0]["Target"]["Arn"], alias)
            answer = account.call("schedule", {"PERDURE_SCHEDULER_ROLE": ""}, **wish)
            equal(answer["error"], "invalidConfiguration")
            contains(answer["detail"], "PERDURE_SCHEDULER_ROLE is not set")

    return [("a function is invoked, with permission", invocations),
            ("a missing permission to invoke is named", denied_invocation),
            ("wrong keys are refused, right ones are not", wrong_keys),
            ("schedules are created once, read, replaced, deleted", schedules),
            ("a missing permission to schedule is named", denied_schedule),
            ("a function has itself woken", waking)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--caller", required=True, help="the program that makes the calls")
    parser.add_argument("--perdure", required=True, help="the command, for its emulator")
    parser.add_argument("--bootstrap", required=True, help="a function that answers anything, such as Echo")
    arguments = parser.parse_args()
    program = arguments.caller
    failed = 0
    scenarios = (signature_scenarios(program) + failure_scenarios(program)
                 + emulator_scenarios(program, arguments.perdure, arguments.bootstrap))
    with Moto() as moto:
        scenarios += moto_scenarios(program, moto)
        for name, scenario in scenarios:
            try:
                scenario()
                print("ok     " + name, flush=True)
            except (AssertionError, ClientError, KeyError, ValueError) as problem:
                failed += 1
                print("FAILED %s: %s" % (name, problem), flush=True)
    print("%d of %d scenarios failed" % (failed, len(scenarios)))
    sys.exit(1 if failed else 0)


main()
