# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Calls an emulator through boto3 and prints what it got as JSON. Arguments: the endpoint, the function's name."""
import base64
import json
import sys

import boto3
from botocore.config import Config

endpoint, name = sys.argv[1:]
client = boto3.client(
    "lambda", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any",
    config=Config(retries={"max_attempts": 0}))


def invoke(**arguments):
    try:
        answer = client.invoke(**arguments)
    except client.exceptions.ClientError as error:
        return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    keys = {"StatusCode": "status", "FunctionError": "functionError", "ExecutedVersion": "version"}
    result = {short: answer[key] for key, short in keys.items() if key in answer}
    result["requestID"] = answer["ResponseMetadata"]["RequestId"]
    payload = answer["Payload"].read()
    result["payload"] = json.loads(payload) if payload else None
    if "LogResult" in answer:
        result["log"] = base64.b64decode(answer["LogResult"]).decode()
    return result


context = base64.b64encode(json.dumps({"custom": {"key": "värde"}}, indent=2).encode()).decode()
print(json.dumps({
    "plain": invoke(FunctionName=name, Payload=b'{"event": "hello", "print": "printed\\n"}', LogType="Tail",
                    ClientContext=context),
    "alias": invoke(FunctionName="arn:aws:lambda:us-east-1:000000000000:function:" + name, Qualifier="live"),
    "error": invoke(FunctionName=name, Payload=b'{"raise": "wrong"}'),
    "dryRun": invoke(FunctionName=name, InvocationType="DryRun"),
    "event": invoke(FunctionName=name, InvocationType="Event", Payload=b"{}"),
    "unknown": invoke(FunctionName="nobody"),
    "notJSON": invoke(FunctionName=name, Payload=b"{nope"),
    "tooLarge": invoke(FunctionName=name, Payload=b'"' + b"a" * 7_000_000 + b'"'),
}))
