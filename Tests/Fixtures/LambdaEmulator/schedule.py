# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Calls an emulator's scheduler through boto3 and prints what it got as JSON. Arguments: the endpoint, the function."""
import json
import sys

import boto3
from botocore.config import Config

endpoint, name = sys.argv[1:]
client = boto3.client(
    "scheduler", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any",
    config=Config(retries={"max_attempts": 0}))
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:" + name
ROLE = "arn:aws:iam::000000000000:role/scheduler"


def call(operation, **arguments):
    try:
        answer = getattr(client, operation)(**arguments)
    except client.exceptions.ClientError as error:
        return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"],
                "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
    answer.pop("ResponseMetadata")
    # Dates, which boto3 has read as such.
    return json.loads(json.dumps(answer, default=lambda date: date.strftime("a date of %Y")))


def schedule(moment="2099-01-01T00:00:00", input='{"print": "woken\\n"}', **others):
    return {"ScheduleExpression": "at(%s)" % moment, "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": FUNCTION, "RoleArn": ROLE, "Input": input}, **others}


answers = {
    "create": call("create_schedule", Name="one", **schedule(ClientToken="t", ActionAfterCompletion="DELETE")),
    "repeated": call("create_schedule", Name="one", **schedule(ClientToken="t")),
    "conflict": call("create_schedule", Name="one", **schedule(ClientToken="u")),
    "get": call("get_schedule", Name="one"),
    "missing": call("get_schedule", Name="none"),
    "group": call("create_schedule", Name="two", GroupName="nobody's", **schedule()),
    "unknownGroup": call("create_schedule", Name="two", GroupName="nobodys", **schedule()),
    "past": call("create_schedule", Name="two", **schedule("2020-01-01T00:00:00")),
    "noMoment": call("create_schedule", Name="two", **schedule("2099-02-30T00:00:00")),
    "cron": call("create_schedule", Name="two", **{**schedule(), "ScheduleExpression": "rate(5 minutes)"}),
    "notJSON": call("create_schedule", Name="two", **schedule(input="{")),
    "zone": call("create_schedule", Name="two", ScheduleExpressionTimezone="Europe/Paris", State="DISABLED",
                 **schedule()),
    "update": call("update_schedule", Name="one", Description="later", **schedule("2099-01-02T00:00:00")),
    "updated": call("get_schedule", Name="one", GroupName="default"),
    "updateMissing": call("update_schedule", Name="none", **schedule()),
    "page": call("list_schedules", MaxResults=1),
    "rest": call("list_schedules", MaxResults=1, NextToken="default/one", GroupName="default"),
    "prefix": call("list_schedules", NamePrefix="tw", State="DISABLED"),
    "delete": call("delete_schedule", Name="one", GroupName="default", ClientToken="d"),
    "deleteMissing": call("delete_schedule", Name="one"),
}
print(json.dumps(answers))
