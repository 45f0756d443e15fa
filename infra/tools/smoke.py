"""Tries a deployed stack as somebody who uses it: signs in, buys a license, assigns it and terminates it.

make smoke STAGE=dev        make deploy does it after each deployment, and fails when it fails

It works in an account of its own, smoke-test, and leaves there what every run finds again: the account, a cost center, closed orders. Who it signs in as:

- at the stack's own user pool, an operator whom it makes for the purpose and removes again;
- at another provider, whoever SMOKE_TOKEN is a token of, or what SMOKE_TOKEN_URL gives to the client SMOKE_CLIENT_ID with SMOKE_CLIENT_SECRET (client
  credentials, with SMOKE_SCOPE if there is one). It needs the permissions of PERMISSIONS below.

Without a token it tries only what is open to everybody, and that everything else is not, and says so.
"""

import argparse
import base64
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import boto3

ACCOUNT, PRODUCT, COST_CENTER = "smoke-test", "live-reports", "SMOKE"
PERMISSIONS = "accounts.manage billing.purchase licenses.read licenses.manage directory.manage"
PATIENCE = 120  # seconds until a new domain or a new stack answers


class Failed(Exception):
    """The stack does not do what it should."""


class Api:
    def __init__(self, url):
        self.url, self.token = url.rstrip("/"), None

    def call(self, method, path, body=None, want=(200, 201, 202, 204)):
        """Sends a request and gives the body of its answer; fails with another status than those wanted."""
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if method != "GET":
            request.add_header("Idempotency-Key", uuid.uuid4().hex)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                status, data = answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            status, data = answer.code, answer.read()
        if status not in want:
            raise Failed(f"{method} {path}: {status}: {data[:500].decode(errors='replace')}")
        try:
            return json.loads(data or b"null")
        except ValueError:
            raise Failed(f"{method} {path}: {status}, and no JSON: {data[:200]!r}") from None

    def wait(self):
        """Waits until the address answers: a new name may take a while to be known."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.call("GET", "/v1/health")
            except urllib.error.URLError as error:
                if time.monotonic() > until:
                    raise Failed(f"{self.url} does not answer: {error.reason}") from None
                time.sleep(2)


class Pool:
    """The stack's own user pool, and an operator of it for as long as this runs."""

    def __init__(self, pool, client):
        self.pools, self.client = boto3.client("cognito-idp"), client
        self.person = {"UserPoolId": pool, "Username": f"smoke-{uuid.uuid4().hex[:12]}@example.com"}

    def __enter__(self):
        email = [{"Name": "email", "Value": self.person["Username"]}, {"Name": "email_verified", "Value": "true"}]
        self.pools.admin_create_user(**self.person, UserAttributes=email, MessageAction="SUPPRESS")
        try:
            password = "aA1!" + secrets.token_urlsafe(32)
            self.pools.admin_set_user_password(**self.person, Password=password, Permanent=True)
            self.pools.admin_add_user_to_group(**self.person, GroupName="operators")
            answer = self.pools.admin_initiate_auth(
                UserPoolId=self.person["UserPoolId"], ClientId=self.client, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": self.person["Username"], "PASSWORD": password},
            )
            return answer["AuthenticationResult"]["AccessToken"]
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.pools.admin_delete_user(**self.person)


class Given:
    """A token of another provider, or none."""

    def __enter__(self):
        environment = os.environ
        if environment.get("SMOKE_TOKEN") or not environment.get("SMOKE_TOKEN_URL"):
            return environment.get("SMOKE_TOKEN")
        form = {"grant_type": "client_credentials", "scope": environment.get("SMOKE_SCOPE", "")}
        request = urllib.request.Request(environment["SMOKE_TOKEN_URL"], urllib.parse.urlencode({k: v for k, v in form.items() if v}).encode())
        names = ("SMOKE_CLIENT_ID", "SMOKE_CLIENT_SECRET")
        basic = ":".join(urllib.parse.quote(environment.get(name, ""), safe="") for name in names)
        request.add_header("Authorization", "Basic " + base64.b64encode(basic.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return json.load(answer)["access_token"]
        except (urllib.error.URLError, ValueError, KeyError) as error:
            raise Failed(f"{environment['SMOKE_TOKEN_URL']} gives no token: {error}") from None

    def __exit__(self, *_):
        pass


def count(api):
    """Gives how many licenses of the product the account has, and how many are assigned."""
    rows = {row["productId"]: row for row in api.call("GET", f"/v1/accounts/{ACCOUNT}/licenses/summary")["items"]}
    row = rows.get(PRODUCT, {})
    return row.get("bought", 0), row.get("assigned", 0)


def same(what, got, want):
    if got != want:
        raise Failed(f"{what}: {got}, want {want}")


def clear(api):
    """Terminates what nobody holds: what is bought here is for the moment, and a run that was cut off has left it."""
    path = f"/v1/accounts/{ACCOUNT}/licenses"
    free = [one["id"] for one in api.call("GET", f"{path}?product={PRODUCT}&status=available&limit=200")["items"]]
    if free:
        api.call("POST", path + "/terminate", {"licenseIds": free})


def play(api):
    """Buys a license, assigns it and terminates it, and takes back whatever was done when something fails."""
    a, person = "/v1/accounts/" + ACCOUNT, "smoke-" + uuid.uuid4().hex[:12]
    same("the account of the token", "accounts.manage" in api.call("GET", "/v1/me")["permissions"], True)
    settings = {"brand": "RingCentral", "currency": "USD", "timezone": "America/New_York", "billingDay": 1, "bundle": "standard"}
    api.call("PUT", a, {"name": "Smoke test"} | settings)
    api.call("PUT", f"{a}/cost-centers/{COST_CENTER}", {"name": "Smoke test"})
    api.call("PUT", f"{a}/users/{person}", {"name": "Smoke test", "email": person + "@example.com"})
    licenses = []
    try:
        clear(api)
        before = count(api)
        quote = api.call("POST", a + "/quotes", {"lines": [{"productId": PRODUCT, "quantity": 1, "costCenter": COST_CENTER}]})
        api.call("POST", a + "/orders", {"quoteId": quote["id"], "acknowledged": True})
        given = api.call("POST", a + "/assignments", {"items": [{"productId": PRODUCT, "userId": person}]})
        same("assigned", given["succeeded"], 1)
        licenses = [held["id"] for held in api.call("GET", f"{a}/users/{person}/licenses")["items"]]
        same("licenses that the person holds", len(licenses), 1)
        same("what is bought and assigned", count(api), (before[0] + 1, before[1] + 1))
    finally:
        for license_id in licenses:
            api.call("POST", f"{a}/licenses/{license_id}/unassign")
        clear(api)
        api.call("DELETE", f"{a}/users/{person}")
    same("what is bought and assigned after it", count(api), before)


def try_out(url, signed_in):
    """Tries the stack at this address, signed in as told. Gives what was tried."""
    api = Api(url)
    same("health", api.wait()["status"], "ok")
    api.call("GET", f"/v1/accounts/{ACCOUNT}/cart", want=(401,))
    with signed_in as token:
        if not token:
            return "only what needs no token: set SMOKE_TOKEN or SMOKE_TOKEN_URL to have it sign in, buy, assign and terminate"
        api.token = token
        play(api)
    return "signed in, bought, assigned and terminated a license"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="seatwise")
    parser.add_argument("--url", default=os.environ.get("SMOKE_URL"), help="where the API is, if it is not where the stack says")
    options = parser.parse_args()
    stack = boto3.client("cloudformation").describe_stacks(StackName=options.stack)["Stacks"][0]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
    own = "UserPoolId" in outputs
    try:
        tried = try_out(options.url or outputs["ApiUrl"], Pool(outputs["UserPoolId"], outputs["UserPoolClientId"]) if own else Given())
    except Failed as failure:
        print(f"The stack {options.stack} does not work: {failure}", file=sys.stderr)
        return 1
    print(f"The stack {options.stack} works. Tried: {tried}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
