"""Deploys the stack as it is to an emulator of AWS that enforces IAM, and runs everything there: `make emulator`.

A policy that is too narrow shows nowhere else before AWS. A refused call fails the job, and so does a permission that
nothing used: what a function may do is what it is seen to do. That the job can fail is proved in the job: policies are
made too narrow, by one action on one resource at a time, and the scene that needs it has to fail for that reason. --plant
all does so with every one, --plant 3 with a sample that changes from day to day, --seed with the same sample again.
The stack is deleted and made again around what it left on every second day; --again always or never says so of today.
"""

import argparse
import collections
import datetime
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time

from pool import Pool
from scenes import RESUMED, SCENES, buy, open_account, people, same
from stack import NAME, Client, Emulator, Failed, Stack, matches, permissions, root, statements


def unseen(permission, used):
    """Tells of a permission that no request shows, and that is right all the same."""
    function, policy, _, action, resource = permission
    if action == "s3:ListBucket":
        # S3 looks at it when an object is missing: with it the answer is 404, without it 403, which means something else.
        return any(f == function and a.startswith("s3:GetObject") and r.startswith(resource + "/") for f, _, _, a, r in used)
    # AWS gives what a function could not do to the queue with the function's role; the emulator asks nobody.
    return action == "sqs:SendMessage" and policy.endswith("OnFailureSQSPolicy")


def kinds_of_work():
    """Gives the kinds of work that may be left behind, as docs/data-model.md lists their marks."""
    return re.findall(r"^\| `([A-Z]+)`(?: \(borne\))? \|", (root / "docs/data-model.md").read_text(encoding="utf-8"), re.MULTILINE)


# What these may do is only done where the stack has a user pool, as the second one has: it invites somebody there.
AT_POOL_ONLY = {"InvitationFunction"}


def seen(stack):
    """Gives the permissions that were used, and those that were not."""
    distinct = list({(d["function"], d["action"], d["resource"], d["allowed"]): d for d in stack.emulator.made}.values())
    used, idle = [], []
    for permission in permissions(stack.policies):
        function, _, _, action, resource = permission
        if function in AT_POOL_ONLY:
            continue
        (used if any(matches(d, function, action, resource) for d in distinct) else idle).append(permission)
    return used, idle


def play(stack, play_scene):
    began = time.monotonic()
    before = len(stack.emulator.made)
    try:
        play_scene(stack)
        stack.emulator.judge()
    finally:
        stack.emulator.tolerated.clear()
    return time.monotonic() - began, stack.emulator.made[before:]


def plant(stack, planted):
    """Takes each of these permissions away in turn, has a scene played that needs it, and gives those whose absence nothing noticed."""
    unnoticed = []
    for permission, needs in planted:
        function, _, _, action, resource = permission
        name, began, made, verdict = needs.__name__, time.monotonic(), len(stack.emulator.made), None
        stack.empty_table()
        with stack.without(permission):
            try:
                play(stack, needs)
            except Failed as failure:
                verdict = str(failure).splitlines()[0]
        # What was invoked meanwhile may still be refused, and repeated.
        settle(stack)
        refused = any(d["function"] == function and d["action"].lower() == action.lower() and not d["allowed"] for d in stack.emulator.made[made:])
        what = f"{function} without {action} on {resource.split(':')[-1]}"
        print(f"    {what}: {'noticed' if verdict and refused else 'NOT NOTICED'} by {name} in {time.monotonic() - began:.1f} s", flush=True)
        if not (verdict and refused):
            unnoticed.append(f"{name} does not notice {what}: {'it fails for another reason: ' + verdict if verdict else 'it passes'}")
    return unnoticed


def fail_to_create(stack):
    """A creation fails late, and leaves nothing in the way of the next one, as docs/operations.md says. It is of a stack with a user pool."""
    kept = ("ReportsBucket", "Table", "UploadsBucket", "UserPool")
    s3, name = stack.emulator.client("s3"), "second"
    made = [e["LogicalResourceId"] for e in stack.events(NAME) if e["ResourceStatus"] == "CREATE_COMPLETE" and e["ResourceType"] != "AWS::CloudFormation::Stack"]
    status, events = stack.create_another(name, refused=[resource for resource in made if resource not in kept][-1])
    same("a creation whose last resource is refused", status, "ROLLBACK_COMPLETE")
    # A version says that it stays, and goes with its function.
    happened = [(e["LogicalResourceId"], e["ResourceStatus"]) for e in events if e["ResourceType"] != "AWS::Lambda::Version"]
    same("made before", sorted(r for r, what in happened if r in kept and what == "CREATE_COMPLETE"), sorted(kept))
    same("left", sorted(r for r, what in happened if what == "DELETE_SKIPPED"), ["Table", "UserPool"])
    same("buckets left", [b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith(name + "-")], [])
    stack.delete(name)
    given = parameters(stack)
    same("the creation after it", stack.create_another(name, **given)[0], "CREATE_COMPLETE")
    given_is_used(stack, name, given)
    sign_in_at_pool(stack, name)
    restored_is_used(stack, name, given)
    stack.delete(name)


def parameters(stack):
    """Gives the parameters of operation values that are not their defaults: those of which the emulator shows what became of them."""
    key = stack.emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    zone = stack.emulator.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    certificate = stack.emulator.client("acm").request_certificate(DomainName="licenses.example.com")["CertificateArn"]
    return {
        "DomainName": "licenses.example.com", "CertificateArn": certificate, "HostedZoneId": zone, "KmsKeyArn": key, "LogRetentionDays": "30",
        "AlarmTopicArn": stack.topic, "ShowDashboard": "true", "RestoredTable": restored(stack),
    }


def restored(stack):
    """Makes an empty table as the stack's own is, in the place of one that was restored from it, and gives its name."""
    dynamodb, name = stack.emulator.client("dynamodb"), "restored"
    own = dynamodb.describe_table(TableName=stack.resources["Table"])["Table"]
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=own["AttributeDefinitions"], KeySchema=own["KeySchema"],
        GlobalSecondaryIndexes=[{key: index[key] for key in ("IndexName", "KeySchema", "Projection")} for index in own["GlobalSecondaryIndexes"]],
    )
    return name


def restored_is_used(stack, name, given):
    """Looks at which table the functions have written to, whose policies name the restored one alone."""
    count = lambda table: stack.emulator.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"]
    same("what is in the restored table", count(given["RestoredTable"]) > 4, True)
    same("what is in the stack's own", count(stack.resources_of(name)["Table"]), 0)


def given_is_used(stack, name, given):
    """Looks at what the parameters of a stack have made of its resources."""
    client, resources = stack.emulator.client, stack.resources_of(name)
    gateway, key = client("apigatewayv2"), given["KmsKeyArn"]
    mapped = gateway.get_api_mappings(DomainName=given["DomainName"])["Items"]
    same("what the domain leads to", [(m["ApiId"], m["Stage"]) for m in mapped], [(resources["Api"], "$default")])
    records = client("route53").list_resource_record_sets(HostedZoneId=given["HostedZoneId"])["ResourceRecordSets"]
    target = gateway.get_domain_name(DomainName=given["DomainName"])["DomainNameConfigurations"][0]["ApiGatewayDomainName"]
    same("where its record leads", [r["AliasTarget"]["DNSName"].rstrip(".") for r in records if r["Type"] == "A"], [target])
    outputs = {o["OutputKey"]: o["OutputValue"] for o in client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}
    same("addresses", (outputs["ApiUrl"], outputs["ConsoleUrl"]), ("https://licenses.example.com", "https://licenses.example.com/console"))
    s3 = client("s3")
    same("who may upload from a page", s3.get_bucket_cors(Bucket=resources["UploadsBucket"])["CORSRules"][0]["AllowedOrigins"], ["https://licenses.example.com"])
    same("the key of the queue", client("sqs").get_queue_attributes(QueueUrl=resources["FailedEvents"], AttributeNames=["All"])["Attributes"]["KmsMasterKeyId"], key)
    for secret in ("CursorKey", "SessionKey"):
        same(f"the key of {secret}", client("secretsmanager").describe_secret(SecretId=resources[secret])["KmsKeyId"], key)
    for group in ("FunctionLogs", "AccessLogs"):
        is_so = client("logs").describe_log_groups(logGroupNamePrefix=resources[group])["logGroups"][0]
        same(f"{group}", (is_so["retentionInDays"], is_so["kmsKeyId"]), (30, key))
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    same("who hears of alarms", {tuple(a["AlarmActions"]) for a in alarms}, {(given["AlarmTopicArn"],)})
    same("the dashboard", client("cloudwatch").get_dashboard(DashboardName=f"{name}-us-east-1")["DashboardName"], f"{name}-us-east-1")


def sign_in_at_pool(stack, name):
    """People of a stack that names no identity provider sign in at its own, as docs/identity.md says."""
    pool = Pool(stack, name)
    same("what the console is told", pool.console(), (f"https://cognito-idp.us-east-1.amazonaws.com/{pool.id}", pool.client, "openid"))
    settings = pool.settings()
    same("callbacks", settings["CallbackURLs"], [pool.origin() + "/console/-/signed-in"])
    same("what a person can write of themselves", sorted(settings["WriteAttributes"]), ["email", "name"])
    said = pool.invite("--email", "ada@example.com", "--account", "acme", "--id", "ada")
    same("who ada is", "is the user ada of the account acme" in said, True)
    ada = pool.sign_in("ada@example.com")
    same("ada's token", {k: ada.get(k) for k in ("account", "user", "permissions", "client_id")}, {"account": "acme", "user": "ada", "permissions": None, "client_id": pool.client})
    pool.invite("--email", "olga@example.com", "--operator")
    same("an operator of the smoke test", pool.smoke(), ("operators", True, 2))
    olga = pool.sign_in("olga@example.com")
    same("an operator's token", (olga["account"], olga["user"], "accounts.manage" in olga["permissions"]), ("operators", olga["sub"], True))
    invited_by_api(pool)
    pool.invite("--email", "olga@example.com", "--account", "acme")
    same("permissions of who is no operator any more", "permissions" in pool.sign_in("olga@example.com"), False)
    pool.pools.admin_create_user(UserPoolId=pool.id, Username="eve@example.com", UserAttributes=[{"Name": "email", "Value": "eve@example.com"}])
    same("a token of who has no account", pool.sign_in("eve@example.com"), None)


def invited_by_api(pool):
    """An account's first super-admin is invited by the API, and signs in; an address of somebody else is refused."""
    account, user = "/v1/accounts/{account}", "/v1/accounts/{account}/users/{id}"
    settings = {"name": "New", "brand": "B", "currency": "USD", "timezone": "Europe/Berlin", "billingDay": 1, "bundle": "standard"}
    same("the account", pool.operate("AccountsFunction", "PUT", account, settings, account="new")[0], 201)
    for person, email, status in ("first", "first@example.com", 202), ("second", "ada@example.com", 409):
        profile = {"name": person, "email": email, "roleIds": ["super-admin"]}
        same(person, pool.operate("DirectoryFunction", "PUT", user, profile, account="new", id=person)[0], 201)
        for _ in "once", "again":
            same(f"invited {person}", pool.operate("InvitationFunction", "POST", user + "/invite", account="new", id=person)[0], status)
    first = pool.sign_in("first@example.com")
    same("the first super-admin's token", {k: first.get(k) for k in ("account", "user", "permissions")}, {"account": "new", "user": "first", "permissions": None})
    same("where ada is still", pool.sign_in("ada@example.com")["account"], "acme")


def adopt(stack):
    """Deletes the stack and makes it again around what it leaves behind, as docs/operations.md says."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 2})
    kept = {name: stack.resources[name] for name in ("Table", "UploadsBucket", "ReportsBucket")}
    ordered = admin.get("orders")["items"]
    stack.delete()
    stack.emulator.roles.clear()
    # Without adopting, the names of the buckets are taken: the creation fails, and what was there stays.
    if stack.deploy_again():
        raise Failed("the stack was made again though the names of its buckets are taken")
    stack.delete()
    said = stack.adopt(kept["Table"])
    if "adopts ReportsBucket, Table, UploadsBucket\n" not in said:
        raise Failed("not everything was adopted:\n" + said)
    # And from then on it is a stack like any other.
    if not stack.deploy_again():
        raise Failed("the adopted stack cannot be deployed to:\n" + (stack.emulator.folder / "again.log").read_text()[-3000:])
    stack.look()
    stack.make_routes()
    same("what was kept", {name: stack.resources[name] for name in kept}, kept)
    same("orders", admin.get("orders")["items"], ordered)
    people(admin, "ann")
    same("assigned", admin.post("assignments", {"items": [{"productId": "live-reports", "userId": "ann"}]})["succeeded"], 1)


def settle(stack):
    """Waits until nothing was decided for a while, whatever the decisions were."""
    quiet = time.monotonic()
    count = len(stack.emulator.made)
    while time.monotonic() - quiet < 1.0:
        try:
            stack.emulator.judge()
        except Failed:
            pass
        if len(stack.emulator.made) != count:
            quiet, count = time.monotonic(), len(stack.emulator.made)
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plant", default="4", help="how many permissions are taken away, one at a time, or all")
    parser.add_argument("--seed", default=datetime.date.today().isoformat(), help="which ones")
    parser.add_argument("--scene", action="append", help="only these scenes, and no judgement of what is unused")
    parser.add_argument("--again", choices=["always", "never", "by-day"], default="by-day", help="whether the stack is deleted and made again")
    parser.add_argument("--keep", action="store_true", help="leave the emulator's log and decisions where they are")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="seatwise-emulator-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the emulator is stopped too
    emulator = Emulator(folder)
    try:
        run(options, emulator)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        print("the functions said at the end:\n" + "\n".join(emulator.told()[-20:]), file=sys.stderr)
        print("the emulator said at the end:\n" + emulator.log.read_text(errors="replace")[-4000:], file=sys.stderr)
        return 1
    finally:
        emulator.stop()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def run(options, emulator):
    began = time.monotonic()
    emulator.wait_until_ready()
    stack = Stack(emulator)
    stack.deploy()
    stack.make_routes()
    stack.switch_rules(on=False)
    triggers = len(stack.schedules()) + len(list(stack.notifications()))
    print(f"make deploy: {len(stack.resources)} resources, {len(stack.functions)} functions, {len(stack.routes)} routes, {triggers} triggers in {time.monotonic() - began:.0f} s", flush=True)

    by_scene, playing = {}, time.monotonic()
    played = [one for one in SCENES if not options.scene or one.__name__ in options.scene]
    for one in played:
        took, by_scene[one.__name__] = play(stack, one)
        print(f"    {one.__name__}: {took:.1f} s", flush=True)
    used, idle = seen(stack)
    print(
        f"{len(by_scene)} scenes: {sum(Client.counted.values())} requests, {len(emulator.made)} decisions of IAM, {len(used)} permissions used,"
        f" in {time.monotonic() - playing:.0f} s", flush=True,
    )
    odd = [permission for permission in idle if not unseen(permission, used)]
    wrong = list(stack.unplayed())
    wrong += [f"no scene has the work resumed that {kind} marks" for kind in kinds_of_work() if kind not in RESUMED]
    wrong += [f"{function} may {action} on {resource}, and nothing does it" for function, _, _, action, resource in odd]
    if wrong and not options.scene:
        raise Failed("\n".join(wrong))

    # The first scene that uses a permission is the one that has to notice when it is gone.
    needed = []
    for permission in sorted(used):
        function, _, _, action, resource = permission
        needed.append((permission, next(one for one in played if any(matches(d, function, action, resource) for d in by_scene[one.__name__]))))
    chosen = needed if options.plant == "all" else random.Random(options.seed).sample(needed, min(int(options.plant), len(needed)))
    planting = time.monotonic()
    unnoticed = plant(stack, chosen)
    if unnoticed:
        raise Failed("\n".join(unnoticed))
    print(
        f"{len(chosen)} of {len(needed)} permissions taken away, each noticed (--seed {options.seed}), in {time.monotonic() - planting:.0f} s", flush=True,
    )
    if not options.scene:
        failing = time.monotonic()
        fail_to_create(stack)
        print(f"a creation failed and was repeated in {time.monotonic() - failing:.0f} s", flush=True)
        if options.again == "always" or options.again == "by-day" and datetime.date.today().toordinal() % 2:
            adopting = time.monotonic()
            adopt(stack)
            print(f"deleted, not made again without what it left, made again around it, in {time.monotonic() - adopting:.0f} s")
        else:
            print("not deleted and made again today; --again always does so")
    print(f"all passed in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
