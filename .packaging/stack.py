# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Creates the template's stack in moto, a stand-in for AWS: aws-sam-translator makes CloudFormation of it, moto resources."""

import ast
import contextlib
import io
import ipaddress
import json
import os
import zipfile

REGION, ACCOUNT = "eu-west-1", "123456789012"
os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION=REGION)

import boto3
from moto import mock_aws
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    def load(self):
        return {}


def read(path):
    with open(path) as file:
        return yaml_parse(file)


def translate(template, parameters):
    """CloudFormation of a SAM template, its code in a bucket."""
    template = json.loads(json.dumps(template))
    template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://packages/function.zip"
    return transform(template, dict(parameters), NoManagedPolicies())


def without_what_moto_lacks(node, values):
    """Works out the functions and attributes that CloudFormation knows and moto does not."""
    if isinstance(node, list):
        return [without_what_moto_lacks(each, values) for each in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::GetAtt"} and node["Fn::GetAtt"] in (["FileSystem", "Arn"], ["AccessPoint", "Arn"]):
        name = node["Fn::GetAtt"][0]
        kind = {"FileSystem": "file-system", "AccessPoint": "access-point"}[name]
        return {"Fn::Sub": "arn:aws:elasticfilesystem:%s:%s:%s/${%s}" % (REGION, ACCOUNT, kind, name)}
    if set(node) == {"Fn::Cidr"}:
        block, count, bits = node["Fn::Cidr"]
        network = ipaddress.ip_network(values[block["Ref"]] if isinstance(block, dict) else block)
        return [str(each) for each in network.subnets(new_prefix=32 - int(bits))][:int(count)]
    if node == {"Fn::GetAZs": ""}:
        return {"Fn::GetAZs": REGION}
    return {key: without_what_moto_lacks(value, values) for key, value in node.items()}


class Stack:
    """A stack that was created: its resources by name, and clients to ask about them."""

    def __init__(self, template, parameters):
        defaults = {name: each["Default"] for name, each in template["Parameters"].items() if "Default" in each}
        values = {name: str(value) for name, value in {**defaults, **parameters}.items()}
        self.template = translate(template, values)
        made = without_what_moto_lacks(self.template, values)
        # moto makes no function URL, and fails at an output that asks for its address.
        del made["Outputs"]["FunctionUrl"]
        self.clients = {}
        self.client("cloudformation").create_stack(
            StackName="agent", Capabilities=["CAPABILITY_IAM"],
            TemplateBody=json.dumps(made),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()])
        self.status = self.client("cloudformation").describe_stacks(StackName="agent")["Stacks"][0]["StackStatus"]
        listed = self.client("cloudformation").describe_stack_resources(StackName="agent")["StackResources"]
        # Types that moto does not know have no name here; what they say is looked up in the template.
        listed = [each for each in listed if "LogicalResourceId" in each]
        self.ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in listed}
        self.types = {each["LogicalResourceId"]: each["ResourceType"] for each in listed}

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(service)
        return self.clients[service]

    def first(self, service, operation, key, **arguments):
        """The first of what an operation lists."""
        return getattr(self.client(service), operation)(**arguments)[key][0]

    def statements(self, role="FunctionRole"):
        """{Sid: statement} of every policy of a role."""
        iam, found = self.client("iam"), {}
        role = self.ids[role]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            if isinstance(document, str):  # moto hands some out as Python prints them.
                document = ast.literal_eval(document)
            # AWS::NoValue in a list is taken out by CloudFormation; moto leaves None.
            found.update({each["Sid"]: each for each in document["Statement"] if each is not None})
        return found

    def security_group(self, name):
        return self.first("ec2", "describe_security_groups", "SecurityGroups", GroupIds=[self.ids[name]])


@contextlib.contextmanager
def account():
    """An empty account with the package in a bucket, and a VPC with two subnets: yields their ids."""
    with mock_aws():
        s3, ec2 = boto3.client("s3"), boto3.client("ec2")
        s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("bootstrap", "")
        s3.put_object(Bucket="packages", Key="function.zip", Body=package.getvalue())
        vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.%d.0/24" % index, AvailabilityZone=REGION + zone)
                   ["Subnet"]["SubnetId"] for index, zone in enumerate("ab")]
        yield {"VpcId": vpc, "SubnetA": subnets[0], "SubnetB": subnets[1]}
