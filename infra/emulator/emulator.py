"""Deploys the stack as it is to an emulator of AWS that enforces IAM, and runs everything there: `make emulator`.

A policy that is too narrow shows nowhere else before AWS. A refused call fails the job, and so does a permission that
nothing used: what a function may do is what it is seen to do. That the job can fail is proved in the job: policies are
made too narrow, one statement at a time, and the scene that needs the statement has to fail. --plant all does so with
every statement, --plant 3 with a sample that changes from day to day, --seed with the same sample again.
"""

import argparse
import collections
import datetime
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from scenes import SCENES, buy, open_account, people, same
from stack import Client, Emulator, Failed, Stack, matches, permissions, statements


def unseen(permission, used):
    """Tells of a permission that no request shows, and that is right all the same."""
    function, policy, _, action, resource = permission
    if action == "s3:ListBucket":
        # S3 looks at it when an object is missing: with it the answer is 404, without it 403, which means something else.
        return any(f == function and a.startswith("s3:GetObject") and r.startswith(resource + "/") for f, _, _, a, r in used)
    # AWS gives what a function could not do to the queue with the function's role; the emulator asks nobody.
    return action == "sqs:SendMessage" and policy.endswith("OnFailureSQSPolicy")


def seen(stack):
    """Gives the permissions that were used, and those that were not."""
    distinct = list({(d["function"], d["action"], d["resource"], d["allowed"]): d for d in stack.emulator.made}.values())
    used, idle = [], []
    for permission in permissions(stack.policies):
        function, _, _, action, resource = permission
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


def plant(stack, needs, planted):
    """Takes each of these statements away in turn, and gives those whose absence nothing noticed."""
    unnoticed = []
    for (function, policy, index), name in planted:
        began = time.monotonic()
        sid = statements(stack.policies[function][policy])[index].get("Sid", f"{policy} {index}")
        verdict = None
        stack.empty_table()
        with stack.without(function, policy, index):
            try:
                play(stack, needs[name])
            except Failed as failure:
                verdict = str(failure).splitlines()[0][:150]
        # What was invoked meanwhile may still be refused, and repeated.
        settle(stack)
        print(f"    {function} without {sid}: {verdict or 'NOTHING NOTICED IT'} ({name}, {time.monotonic() - began:.1f} s)", flush=True)
        if verdict is None:
            unnoticed.append(f"{name} does not notice that {function} lacks {sid}")
    return unnoticed


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
    parser.add_argument("--plant", default="4", help="how many statements are taken away, one at a time, or all")
    parser.add_argument("--seed", default=datetime.date.today().isoformat(), help="which ones")
    parser.add_argument("--scene", action="append", help="only these scenes, and no judgement of what is unused")
    parser.add_argument("--keep", action="store_true", help="leave the emulator's log and decisions where they are")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="seatwise-emulator-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the emulator is stopped too
    emulator = Emulator(folder)
    try:
        run(options, emulator)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
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
    kinds = collections.Counter(stack.types.values())
    triggers = kinds["AWS::Events::Rule"] + sum(
        len(r["Properties"].get("NotificationConfiguration", {}).get("LambdaConfigurations", []))
        for r in stack.template["Resources"].values() if r["Type"] == "AWS::S3::Bucket"
    )
    print(f"make deploy: {len(stack.resources)} resources, {len(stack.functions)} functions, {len(stack.routes)} routes, {triggers} triggers in {time.monotonic() - began:.0f} s", flush=True)

    by_scene, played = {}, time.monotonic()
    for one in SCENES:
        if options.scene and one.__name__ not in options.scene:
            continue
        took, by_scene[one.__name__] = play(stack, one)
        print(f"    {one.__name__}: {took:.1f} s", flush=True)
    used, idle = seen(stack)
    print(
        f"{len(by_scene)} scenes: {sum(Client.counted.values())} requests, {len(emulator.made)} decisions of IAM, {len(used)} permissions used,"
        f" in {time.monotonic() - played:.0f} s", flush=True,
    )
    odd = [permission for permission in idle if not unseen(permission, used)]
    wrong = [f"no scene calls {route}" for route in stack.uncalled()]
    wrong += [f"{function} may {action} on {resource}, and nothing does it" for function, _, _, action, resource in odd]
    if wrong and not options.scene:
        raise Failed("\n".join(wrong))

    # The first scene that uses a statement is the one that has to notice when it is gone.
    first = {}
    for function, policy, index, action, resource in used:
        for name, decisions in by_scene.items():
            if (function, policy, index) not in first and any(matches(d, function, action, resource) for d in decisions):
                first[function, policy, index] = name
    chosen = sorted(first.items())
    if options.plant != "all":
        chosen = random.Random(options.seed).sample(chosen, min(int(options.plant), len(chosen)))
    planted = time.monotonic()
    unnoticed = plant(stack, {one.__name__: one for one in SCENES}, chosen)
    if unnoticed:
        raise Failed("\n".join(unnoticed))
    print(f"{len(chosen)} of {len(first)} statements taken away, each noticed (--seed {options.seed}), in {time.monotonic() - planted:.0f} s")
    if not options.scene:
        adopting = time.monotonic()
        adopt(stack)
        print(f"deleted, not made again without what it left, made again around it, in {time.monotonic() - adopting:.0f} s")
    print(f"all passed in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
