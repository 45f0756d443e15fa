"""Makes the stack again around the table and the buckets that a deleted one left behind: `make adopt TABLE=... ARGS="JwtIssuer=https://..."`.

CloudFormation imports what is there already in the creation itself, but only where the template has the name as plain
text. So the packaged template gets the names filled in; the deployed stack then is one of template.yaml, since the names
come out the same from the parameters Prefix and TableName. docs/operations.md, "Creating the stack, and again".
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import boto3
import botocore.exceptions
from samcli.yamlhelper import yaml_dump, yaml_parse

ADOPTED = ("ReportsBucket", "Table", "UploadsBucket")


def package(sam, folder):
    """Uploads the built functions and gives the template that names them, and the bucket that they are in."""
    out = folder / "packaged.yaml"
    said = subprocess.run(
        [sam, "package", "--template-file", ".aws-sam/build/template.yaml", "--resolve-s3", "--s3-prefix", "seatwise", "--output-template-file", str(out)],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ).stdout
    template = yaml_parse(out.read_text())
    code = template["Resources"]["HealthFunction"]["Properties"]["CodeUri"]
    if not code.startswith("s3://"):
        sys.exit(said)
    return template, code.split("/")[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="seatwise")
    parser.add_argument("--table", required=True, help="the name of the table that was left")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("parameters", nargs="*", help="Name=value, as for make deploy")
    options = parser.parse_args()
    given = dict(p.split("=", 1) for p in options.parameters) | {"TableName": options.table}

    cloudformation, session = boto3.client("cloudformation"), boto3.session.Session()
    account = boto3.client("sts").get_caller_identity()["Account"]
    with tempfile.TemporaryDirectory() as folder:
        template, bucket = package(os.path.join(os.path.dirname(sys.executable), "sam"), pathlib.Path(folder))
    prefix = given.get("Prefix", template["Parameters"]["Prefix"]["Default"])
    for name, kind in (("UploadsBucket", "uploads"), ("ReportsBucket", "reports")):
        template["Resources"][name]["Properties"]["BucketName"] = f"{prefix}-{kind}-{account}-{session.region_name}"
    template["Resources"]["Table"]["Properties"]["TableName"] = options.table

    # Too long to be sent with the request.
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="seatwise/adopt.template", Body=yaml_dump(template).encode())
    address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "seatwise/adopt.template"}).split("?")[0]
    cloudformation.create_change_set(
        StackName=options.stack, ChangeSetName="adopt", ChangeSetType="CREATE", ImportExistingResources=True, TemplateURL=address,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=options.stack, ChangeSetName="adopt", WaiterConfig={"Delay": 2})
    changes = cloudformation.get_paginator("describe_change_set").paginate(StackName=options.stack, ChangeSetName="adopt")
    imported = {c["ResourceChange"]["LogicalResourceId"] for page in changes for c in page["Changes"] if c["ResourceChange"]["Action"] == "Import"}
    missing = sorted(set(ADOPTED) - imported)
    print(f"adopts {', '.join(sorted(imported)) or 'nothing'}" + (f"; makes a new {', '.join(missing)}" if missing else ""), flush=True)
    if not options.yes and input("go on? [y/N] ").strip().lower() != "y":
        cloudformation.delete_stack(StackName=options.stack)  # nothing of it was made yet
        return 1
    cloudformation.execute_change_set(StackName=options.stack, ChangeSetName="adopt")
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=options.stack, WaiterConfig={"Delay": 5, "MaxAttempts": 600})
    except botocore.exceptions.WaiterError:
        for event in reversed(cloudformation.describe_stack_events(StackName=options.stack)["StackEvents"]):
            if "FAILED" in event["ResourceStatus"]:
                print(event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
        return 1
    print("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
