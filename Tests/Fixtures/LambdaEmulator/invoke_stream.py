# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Calls functions through boto3's invoke_with_response_stream and prints what came as JSON.

Arguments: the endpoint, the function's name, and a list of calls as JSON: [{"payload": event, "log": true, "touch": path
that is created when the first chunk is there}].
"""
import base64
import json
import sys

import boto3
from botocore.config import Config

endpoint, name, calls = sys.argv[1:]
client = boto3.client(
    "lambda", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any",
    config=Config(retries={"max_attempts": 0}))


def invoke(call):
    answer = client.invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps(call["payload"]), LogType="Tail" if call.get("log") else "None")
    result = {
        "status": answer["StatusCode"], "version": answer["ExecutedVersion"], "chunks": [], "completes": 0,
        "streamType": answer["ResponseStreamContentType"],
        "contentType": answer["ResponseMetadata"]["HTTPHeaders"].get("x-amzn-remapped-content-type"),
    }
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            result["chunks"].append(base64.b64encode(event["PayloadChunk"]["Payload"]).decode())
            if "touch" in call:
                open(call["touch"], "w").close()
        else:
            complete = event["InvokeComplete"]
            result["completes"] += 1
            result["errorCode"] = complete.get("ErrorCode")
            result["errorDetails"] = complete.get("ErrorDetails")
            if "LogResult" in complete:
                result["log"] = base64.b64decode(complete["LogResult"]).decode()
    return result


print(json.dumps([invoke(call) for call in json.loads(calls)]))
