#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Compares our calls to AWS with those of AWS's own client, and makes them against moto.

One line for each scenario, then a count; the status is 1 when one of them failed.
"""

import argparse
import io
import json
import sys
import time
import zipfile

sys.dont_write_bytecode = True
import boto3  # noqa: E402 the line above must come first
from botocore.exceptions import ClientError  # noqa: E402

from caller import Caller, Emulator, Moto  # noqa: E402
from expecting import ACCOUNT, FUNCTION, KEYS, MOMENT, ROLE, contains, equal  # noqa: E402
from failures import failure_scenarios  # noqa: E402
from signatures import signature_scenarios  # noqa: E402

# moto takes the name of the operation, Invoke, for that of the permission, which is InvokeFunction.
INVOKE = "lambda:Invoke*"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]}


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
