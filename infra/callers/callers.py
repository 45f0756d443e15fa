"""Calls every operation of openapi.yaml with what a caller might send, good and bad, against a started runner: `make callers`.

schemathesis makes the requests from the document itself. None may be answered by a 500, by a status or a media type that the document does not declare, or by
a body or headers that break their schema; nor may one without a token, with a made-up one, or with a method that there is not, be taken. The seed is fixed, so that a failure comes again; --seed tries others.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

here = pathlib.Path(__file__).parent
root = here.parents[1]

# All of schemathesis's checks but two: that all fit for the schema is taken, which rules beyond it forbid (an id must be known, an order acknowledged), and that
# all else is refused, where null stands for an optional field that is left out.
UNCHECKED = "positive_data_acceptance,negative_data_rejection"
PERMISSIONS = (
    "catalog.read billing.read billing.purchase licenses.read licenses.manage directory.read directory.manage liveReports.view liveReports.full usage.read"
    " usage.write metrics.read metrics.manage audit.read accounts.manage"
)
STOP_SECONDS = 30


class Client:
    """Speaks to the API as an operator who may do everything."""

    def __init__(self, api):
        self.api, self.token = api, None
        self.token = self.call("POST", "/local/token", {"account": "acme", "user": "ada", "permissions": PERMISSIONS.split()})["accessToken"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.api + path, method=method)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")


def furnish(client):
    """Makes an account in which ids lead somewhere, and says which: random ids alone are answered by 404 at the door."""
    client.call("PUT", "/v1/accounts/acme", {"name": "Acme", "brand": "Acme", "currency": "USD", "timezone": "America/Detroit", "billingDay": 1, "bundle": "standard"})
    a = "/v1/accounts/acme"
    client.call("PUT", a + "/cost-centers/north", {"name": "North"})
    lines = [{"productId": p, "quantity": 4, "costCenter": "north"} for p in ("phone-system", "live-reports", "call_recording", "device_ip_phone")]
    quote = client.call("POST", a + "/quotes", {"lines": lines})
    order = client.call("POST", a + "/orders", {"quoteId": quote["id"], "acknowledged": True})
    for i, user in enumerate(("ada", "bob", "eve")):
        client.call("PUT", f"{a}/users/{user}", {"name": user.title(), "email": f"{user}@acme.example", "extension": str(101 + i), "active": True})
    client.call("PUT", a + "/call-queues/detroit", {"name": "Detroit", "members": ["bob"]})
    client.call("PUT", a + "/dashboards/floor", {"name": "Floor", "queueIds": ["detroit"]})
    client.call("PUT", a + "/metrics/licenses/wallboards", {"max": 5})
    client.call("PUT", a + "/wallboards/lobby", {"name": "Lobby", "kind": "analytics", "userId": "ada"})
    cart = client.call("PUT", a + "/cart", {"lines": [{"productId": "live-reports", "quantity": 9}]})
    upload = client.call("POST", a + "/mass-configurations", {"fileName": "phones.csv", "sizeBytes": 64})
    users = client.call("POST", a + "/imports", {"kind": "users", "fileName": "users.csv", "sizeBytes": 64})
    report = client.call("POST", a + "/reports", {"kind": "license-status"})
    items = [{"productId": "phone-system", "userId": "bob", "extension": "102"}, {"productId": "call_recording", "userId": "bob"}]
    held = client.call("POST", a + "/assignments", {"items": items})
    licenses = [result["license"]["id"] for result in held["results"]]
    licenses += [item["id"] for item in client.call("GET", a + "/licenses?status=available&limit=3")["items"]]
    asked = client.call("POST", a + "/requests", {"productId": "developer", "userId": "bob", "reason": "Needed"})
    open_quote = client.call("POST", a + "/quotes", {"lines": lines})
    return {
        "account": ["acme"],
        "code": ["north"],
        "line": [line["id"] for line in cart["lines"]],
        "product": ["live-reports", "phone-system"],
        "user": ["ada", "bob"],
        "quotes": [open_quote["id"], quote["id"]],
        "orders": [order["id"]],
        "licenses": licenses,
        "mass-configurations": [upload["id"]],
        "imports": [users["id"]],
        "reports": [report["id"]],
        "requests": [asked["id"]],
        "users": ["ada", "bob", "eve"],
        "roles": ["super-admin"],
        "call-queues": ["detroit"],
        "dashboards": ["floor"],
        "wallboards": ["lobby"],
    }


def ready(runner):
    line = runner.stdout.readline()
    found = re.search(r"API (\S+),", line)
    if not found:
        raise SystemExit(f"the runner did not start: {line!r}")
    return found[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", required=True, help="the built infra/local")
    parser.add_argument("--schemathesis", required=True, help="its program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=25, help="requests made up for each operation")
    parser.add_argument("--patience", type=int, default=900, help="seconds after which the run counts as hung")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seatwise-callers-") as folder:
        data = pathlib.Path(folder)
        with open(data / "log", "wb") as log:
            command = [os.path.abspath(args.runner), "--addr", "127.0.0.1:0", "--s3-addr", "127.0.0.1:0", "--data", str(data / "data"), "--no-schedules"]
            runner = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            client = Client(ready(runner))
            (data / "known.json").write_text(json.dumps(furnish(client)))
            code = subprocess.call(
                [
                    os.path.abspath(args.schemathesis), "--config-file", str(here / "schemathesis.toml"), "run", str(root / "openapi.yaml"), "--url", client.api,
                    "--header", "Authorization: Bearer " + client.token, "--checks", "all", "--exclude-checks", UNCHECKED, "--seed", str(args.seed), "--max-examples", str(args.examples),
                    "--generation-database", "none", "--continue-on-failure", "--no-color", "--warnings", "off",
                ],
                timeout=args.patience,
                cwd=data,
                env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(here), "PYTHONDONTWRITEBYTECODE": "1", "SEATWISE_KNOWN": str(data / "known.json")},
            )
            if runner.poll() is not None:
                print("the runner ended while it was called", file=sys.stderr)
                code = code or 1
        finally:
            runner.terminate()
            try:
                if runner.wait(STOP_SECONDS) != 0:
                    print("the runner did not stop cleanly", file=sys.stderr)
            except subprocess.TimeoutExpired:
                runner.kill()
                raise
        if code:
            print((data / "log").read_text(errors="replace")[-4000:], file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main())
