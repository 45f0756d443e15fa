"""Signs in at the user pool of a stack that names no identity provider, as a person does: at its pages, by code.

The emulator has no routes with an authorizer of a body that is imported, and no AWS address of its own for the pool, so the gateway
of such a stack is not called: what its tokens say is looked at, and what the console is told of the pool.
"""

import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import unittest.mock
import urllib.parse
import urllib.request
import uuid

import jwt

from browse import Reader
from stack import ALIAS, OPERATOR, Failed, exchange, root

sys.path.append(str(root / "infra/tools"))
import smoke  # noqa: E402

PASSWORD = "correct horse 8 Battery"


class Pool:
    def __init__(self, stack, name):
        self.stack, self.emulator, self.name = stack, stack.emulator, name
        self.resources = stack.resources_of(name)
        self.pools, self.id, self.client = self.emulator.client("cognito-idp"), self.resources["UserPool"], self.resources["UserPoolClient"]

    def console(self):
        """Gives issuer, client and scopes that the console of the stack is told."""
        told = self.emulator.client("lambda").get_function_configuration(FunctionName=self.resources["ConsoleFunction"])["Environment"]["Variables"]
        return told["OIDC_ISSUER"], told["OIDC_CLIENT_ID"], told["OIDC_SCOPES"]

    def origin(self):
        return "https://licenses.example.com"  # as the second stack is told

    def settings(self):
        return self.pools.describe_user_pool_client(UserPoolId=self.id, ClientId=self.client)["UserPoolClient"]

    def invite(self, *arguments):
        """Makes a person, as make invite does, and gives what it says."""
        ran = subprocess.run(
            [sys.executable, root / "infra/tools/invite.py", "--stack", self.name, *arguments], env=self.emulator.aws_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        if ran.returncode != 0:
            raise Failed(f"inviting {arguments} ends with {ran.returncode}:\n{ran.stdout}")
        return ran.stdout

    def operate(self, function, method, route, body=None, **names):
        """Hands a request of an operator to the function of its route, as the gateway does, and gives the status and the document of its answer."""
        path = route.format(**names)
        claims = {"account": "operators", "user": "olga", "permissions": "[" + " ".join(OPERATOR) + "]"}
        event = {
            "version": "2.0", "routeKey": f"{method} {route}", "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json", "idempotency-key": uuid.uuid4().hex},
            "pathParameters": names, "isBase64Encoded": False, "requestContext": {
                "accountId": "000000000000", "requestId": uuid.uuid4().hex, "stage": "$default", "authorizer": {"jwt": {"claims": claims, "scopes": None}},
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            },
        } | ({} if body is None else {"body": json.dumps(body)})
        answer = self.emulator.client("lambda").invoke(FunctionName=self.resources[function], Qualifier=ALIAS, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise Failed(f"{function} failed: {payload}")
        return payload["statusCode"], json.loads(payload.get("body") or "null")

    def smoke(self):
        """Signs in as make smoke does. Gives account and rights of the token, and how many people there are after it."""
        environment = {k: v for k, v in self.emulator.aws_environment().items() if k.startswith("AWS_")}
        with unittest.mock.patch.dict(os.environ, environment), smoke.Pool(self.id, self.client) as token:
            claims = jwt.decode(token, options={"verify_signature": False})
        return claims["account"], "accounts.manage" in claims["permissions"], len(self.pools.list_users(UserPoolId=self.id)["Users"])

    def sign_in(self, email):
        """Signs in at the pages of the pool, and gives the claims of the access token; None where the pool gives none."""
        self.pools.admin_set_user_password(UserPoolId=self.id, Username=email, Password=PASSWORD, Permanent=True)
        verifier, back = secrets.token_urlsafe(48), self.origin() + "/console/-/signed-in"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self.client, "redirect_uri": back, "response_type": "code", "scope": "openid", "state": "s", "nonce": "n",
            "code_challenge": challenge, "code_challenge_method": "S256",
        }
        _, _, page = self.ask("/oauth2/authorize?" + urllib.parse.urlencode(asked))
        form = Reader(page.decode()).forms
        if not form:
            raise Failed("the pool shows no form to sign in: " + page.decode()[:500])
        status, headers, page = self.ask(form[0].action, form[0].set(username=email, password=PASSWORD).values)
        if status not in (302, 303):
            raise Failed(f"the pool does not sign {email} in: {status} " + re.sub(r"<[^>]*>", " ", page.decode())[-500:])
        code = urllib.parse.parse_qs(urllib.parse.urlparse(headers["Location"]).query)["code"][0]
        status, _, body = self.ask("/oauth2/token", [
            ("grant_type", "authorization_code"), ("client_id", self.client), ("code", code), ("redirect_uri", back), ("code_verifier", verifier),
        ])
        return jwt.decode(json.loads(body)["access_token"], options={"verify_signature": False}) if status == 200 else None

    def ask(self, path, form=None):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        return exchange(urllib.request.Request(self.emulator.url + path, data), self.emulator.trust)
