"""The emulator, the identity provider and the deployed stack: what the scenes play on."""

import base64
import collections
import contextlib
import datetime
import fnmatch
import functools
import http.server
import ipaddress
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

root = pathlib.Path(__file__).resolve().parents[2]
here = pathlib.Path(__file__).resolve().parent

REGION = "us-east-1"
NAME = "seatwise"  # samconfig.toml names the stack
ALIAS = "live"  # of every function in template.yaml, which is called by it
AUDIENCE = "seatwise"
CLIENT = "console"
PERMISSIONS = (
    "catalog.read billing.read billing.purchase licenses.read licenses.manage directory.read directory.manage liveReports.view liveReports.full usage.read"
    " usage.write metrics.read metrics.manage audit.read"
).split()
OPERATOR = ["accounts.manage", *PERMISSIONS]
# What a wait may take at most, in seconds. What it waits for takes a second or two, and on a busy machine a multiple of
# that; a refusal ends it at once.
PATIENCE = 180

# What else may invoke a function. The template has none of it; one that comes needs a scene, and a way to see that it fired.
UNKNOWN_TRIGGERS = {
    "AWS::Lambda::Url", "AWS::Pipes::Pipe", "AWS::Scheduler::Schedule", "AWS::SNS::Subscription",
    "AWS::Logs::SubscriptionFilter", "AWS::IoT::TopicRule", "AWS::StepFunctions::StateMachine",
}


class Failed(Exception):
    """What the job is there to find."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certify(folder):
    """Writes a certificate for 127.0.0.1, which whoever is to trust it is told to, and its key."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "emulator")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "certificate.pem", folder / "key.pem"
    cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, private


def serve(handler, certificate, private):
    """Serves by TLS at a port of its own, and gives the server and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, private)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"127.0.0.1:{server.server_address[1]}"


class Issuer:
    """An OpenID provider that says who it is and what its key is, signs the tokens of the scenes, and exchanges codes for them."""

    def __init__(self, certificate, private):
        self.key = new_key()
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        documents = {"/jwks.json": {"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]}}

        issuer, self.codes = self, {}  # what each code is exchanged for, once

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(documents.get(self.path))

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if form.get("grant_type") == ["client_credentials"]:
                    known = self.headers["Authorization"] == "Basic " + base64.b64encode(b"smoke:secret").decode()
                    self.answer({"access_token": issuer.token("provider", "smoke", OPERATOR), "token_type": "Bearer"} if known else None)
                    return
                self.answer(issuer.codes.pop(form.get("code", [""])[0], None) if self.path == "/token" else None)

            def answer(self, document):
                self.send_response(200 if document else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_):
                pass

        self.server, address = serve(Handler, certificate, private)
        self.url = "https://" + address
        documents["/.well-known/openid-configuration"] = {
            "issuer": self.url, "jwks_uri": self.url + "/jwks.json", "authorization_endpoint": self.url + "/authorize", "token_endpoint": self.url + "/token",
            "response_types_supported": ["code"], "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token(self, account, user, permissions, **claims):
        now = int(time.time())
        body = {"iss": self.url, "aud": AUDIENCE, "sub": user, "account": account, "permissions": permissions, "iat": now - 5, "exp": now + 3600}
        if permissions == ROLES:
            del body["permissions"]
        return jwt.encode(body | claims, self.key, algorithm="RS256", headers={"kid": "1"})


class Domain:
    """The domain at which the API is: what the gateway calls it in its events, and where the console therefore calls it."""

    def __init__(self, certificate, private, trust):
        domain, self.behind = self, None

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")}
                request = urllib.request.Request(domain.behind + self.path, body or None, headers, method=self.command)
                status, got, data = exchange(request, trust)
                self.send_response(status)
                for name, value in got.items():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server, self.name = serve(Handler, certificate, private)


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def exchange(request, trust):
    """Sends a request and gives status, headers and body, whatever they are; it goes nowhere else on its own."""
    opener = urllib.request.build_opener(Unfollowed, urllib.request.HTTPSHandler(context=trust))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


class Emulator:
    """The emulator's process, and all that it decided."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, private = certify(folder)
        self.issuer = Issuer(self.certificate, private)
        self.trust = ssl.create_default_context(cafile=str(self.certificate))
        self.domain = Domain(self.certificate, private, self.trust)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.decisions = folder / "decisions.jsonl"
        self.decisions.touch()
        (folder / "tmp").mkdir()
        # Functions run as its children, with its environment: they reach it by AWS_ENDPOINT_URL, as the CLI and sam do.
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder / "tmp"), "DECISIONS": str(self.decisions),
            "REFUSED": str(folder / "refused"), "DOMAIN": self.domain.name,
            "AUTH": "true", "USE_SSL": "1", "MINISTACK_SSL_CERT": str(self.certificate), "MINISTACK_SSL_KEY": str(private),
            "GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": self.url,
            "SSL_CERT_FILE": str(self.certificate), "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "LAMBDA_EXECUTOR": "local",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2", "MINISTACK_COGNITO_PRETOKEN_STRICT": "1", "LOG_LEVEL": "INFO", "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.log = folder / "emulator.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(here / "serve.py")], env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True,
            )
        self.roles = {}  # name of a role: its function
        self.tolerated = set()  # functions that a scene cut off, and whose refusals are therefore its own
        self.read = 0
        self.made = []  # every decision on a call of a function, once self.roles is known

    def aws_environment(self):
        """What a person would set to use the emulator in the place of AWS."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_"))}
        return kept | {
            "AWS_ENDPOINT_URL": self.url, "AWS_CA_BUNDLE": str(self.certificate), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        }

    @functools.cache
    def client(self, service):
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        return session.client(
            service, endpoint_url=self.url, verify=str(self.certificate),
            config=botocore.config.Config(read_timeout=120, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def wait_until_ready(self):
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url + "/_ministack/health", timeout=2, context=self.trust):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise Failed("the emulator does not start") from None
                time.sleep(0.1)

    def logged(self, pattern):
        """Gives the lines of the functions' log in which this is found, in the order of time."""
        logs, lines = self.client("logs"), []
        for group in logs.describe_log_groups()["logGroups"]:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                lines += [(e["timestamp"], e["message"].strip()) for e in page["events"] if re.search(pattern, e["message"])]
        return [message for _, message in sorted(lines)]

    def told(self):
        """Gives what the functions say of things that went wrong; what a scene cut off is among it."""
        with contextlib.suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return [line[:1000] for line in self.logged(r'"level":"(WARN|ERROR)"')]
        return []

    def let_a_day_pass(self):
        self.process.send_signal(signal.SIGUSR1)

    def judge(self):
        """Reads what was decided since the last time, and fails for a call that was refused."""
        with self.decisions.open(encoding="utf-8") as f:
            f.seek(self.read)
            text = f.read()
        whole = text.rfind("\n") + 1
        self.read += len(text[:whole].encode())
        refused = []
        for line in text[:whole].splitlines():
            decision = json.loads(line)
            parts = decision["caller"].split(":assumed-role/")
            function = self.roles.get(parts[1].split("/")[0]) if len(parts) == 2 else None
            if function is None:
                continue
            decision["function"] = function
            self.made.append(decision)
            if not decision["allowed"] and function not in self.tolerated:
                refused.append("{function} may not {action} on {resource}".format(**decision))
        if refused:
            raise Failed("\n".join(sorted(set(refused))))

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):  # functions that it left behind
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)
        self.issuer.server.shutdown()
        self.domain.server.shutdown()


class Stack:
    """The stack as `make deploy` made it, and its HTTP API."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.original = None  # the template, once it is needed

    def deploy(self):
        self.topic = self.emulator.client("sns").create_topic(Name="alarms")["TopicArn"]
        arguments = "--no-confirm-changeset --parameter-overrides " + " ".join(self.given())
        code = self.command("deploy", ["make", "--no-print-directory", "deploy", "ARCH=amd64", "SMOKE=no", "ARGS=" + arguments])  # it has no routes yet
        if code != 0:
            lines = (self.emulator.folder / "deploy.log").read_text(errors="replace").splitlines()
            why = next((i for i, line in enumerate(lines) if "_FAILED " in line), len(lines) - 40)
            raise Failed(f"make deploy ended with {code}:\n" + "\n".join(lines[max(why, 0):][:40]))
        self.look()

    def look(self):
        """Reads what the stack consists of, and what its functions may do."""
        self.resources, self.types, self.policies, self.routes = {}, {}, {}, {}
        cloudformation = self.emulator.client("cloudformation")
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=NAME):
            for r in page["StackResourceSummaries"]:
                self.resources[r["LogicalResourceId"]] = r["PhysicalResourceId"]
                self.types[r["LogicalResourceId"]] = r["ResourceType"]
        body = cloudformation.get_template(StackName=NAME, TemplateStage="Processed")["TemplateBody"]
        self.template = json.loads(body) if isinstance(body, str) else body
        self.functions = [name for name, kind in self.types.items() if kind == "AWS::Lambda::Function"]
        for name, kind in self.types.items():
            if kind == "AWS::IAM::Role" and name != "CodeDeployServiceRole":
                function = name.removesuffix("Role")
                if function not in self.functions:
                    raise Failed(f"{name} is the role of no function")
                self.emulator.roles[self.resources[name]] = function
        iam = self.emulator.client("iam")
        for role, function in self.emulator.roles.items():
            self.policies[function] = {
                policy: iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
                for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
            }

    def role(self, function):
        return self.resources[function + "Role"]

    def make_routes(self):
        """Makes the routes of the API from its OpenAPI body in the processed template, which the emulator does not import."""
        gateway, api = self.emulator.client("apigatewayv2"), self.resources["Api"]
        body = self.template["Resources"]["Api"]["Properties"]["Body"]
        schemes = body["components"]["securitySchemes"]
        authorizers = {}
        for name in schemes:
            authorizers[name] = gateway.create_authorizer(
                ApiId=api, Name=name, AuthorizerType="JWT", IdentitySource=["$request.header.Authorization"],
                JwtConfiguration={"Issuer": self.emulator.issuer.url, "Audience": [AUDIENCE]},
            )["AuthorizerId"]
        integrations = {}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                integration = operation["x-amazon-apigateway-integration"]
                function = integration["uri"]["Fn::Sub"].split("${")[-1].split("Alias" + ALIAS)[0]
                if function not in integrations:
                    integrations[function] = gateway.create_integration(
                        ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion=integration["payloadFormatVersion"],
                        IntegrationUri=f"arn:aws:lambda:{REGION}:000000000000:function:{self.resources[function]}:{ALIAS}",
                    )["IntegrationId"]
                guards = [name for requirement in operation.get("security") or [] for name in requirement if name in authorizers]
                auth = {"AuthorizationType": "JWT", "AuthorizerId": authorizers[guards[0]]} if guards else {"AuthorizationType": "NONE"}
                key = "$default" if path.strip("/") == "$default" else f"{'ANY' if method == 'x-amazon-apigateway-any-method' else method.upper()} {path}"
                gateway.create_route(ApiId=api, RouteKey=key, Target="integrations/" + integrations[function], **auth)
                self.routes[key] = function
        self.url = self.emulator.domain.behind = f"{self.emulator.url}/_aws/execute-api/{api}/$default"

    def switch_rules(self, on):
        """Switches the schedules on or off. They are off but in their own scene: what a scene cut off is to be finished by the function it means."""
        events = self.emulator.client("events")
        for name, kind in self.types.items():
            if kind == "AWS::Events::Rule":
                (events.enable_rule if on else events.disable_rule)(Name=self.resources[name].split("/")[-1].split("|")[-1])

    def invoke(self, function, event):
        """Invokes a function and gives its answer; fails when the function does."""
        answer = self.emulator.client("lambda").invoke(FunctionName=self.resources[function], Qualifier=ALIAS, Payload=json.dumps(event).encode(), LogType="Tail")
        payload = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            self.emulator.judge()
            log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
            raise Failed(f"{function} failed: {payload}\n{log[-2000:]}")
        self.emulator.judge()
        return payload

    def preflight(self, path):
        """Hands a preflight to the function of its route, and gives its answer: the emulator answers every one in the gateway's place."""
        method, context = "OPTIONS", {"accountId": "000000000000", "requestId": uuid.uuid4().hex, "stage": "$default"}
        route = next(r for r in self.routes if r != "$default" and fits(r, method, path))
        answer = self.invoke(self.routes[route], {
            "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "", "headers": {"origin": "https://elsewhere.test"},
            "requestContext": context | {"http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}},
        })
        Client.counted[method, path] += 1
        return json.loads(answer)

    def tick(self, function, after=0):
        """Runs a scheduled function as it will be run this many minutes from now, and waits until the work that it hands on is done."""
        self.emulator.client("sqs").purge_queue(QueueUrl=self.resources["Work"])  # of what failed before, which comes again after a long while
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=after)
        self.invoke(function, {
            "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "000000000000", "region": REGION,
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "resources": [], "detail": {},
        })
        self.eventually("the work that was handed on is done", lambda: self.handed_on() == 0)

    def maintain(self, after=0):
        """Runs the maintenance of five minutes: each account has one of them in which its waiting lists and alerts are looked at."""
        for minute in range(5):
            self.tick("MaintenanceFunction", after=after + minute)

    def ask(self, function, account, after=0):
        """Runs a scheduled function for one account as a person does, as of this many minutes from now: it does the work itself."""
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=after)
        self.invoke(function, {"time": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "account": account})

    def handed_on(self):
        """How many messages with the work of an account wait or are being carried out."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.emulator.client("sqs").get_queue_attributes(QueueUrl=self.resources["Work"], AttributeNames=names)
        return sum(int(attributes["Attributes"][name]) for name in names)

    @contextlib.contextmanager
    def cut_off(self, function, *keys, action=None):
        """Lets a function write nothing under these keys of the table meanwhile, or not do this, so that its work ends between two commits."""
        iam, role = self.emulator.client("iam"), self.role(function)
        deny = {"Effect": "Deny", "Action": action, "Resource": "*"} if action else {
            "Effect": "Deny", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], "Resource": "*",
            "Condition": {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": list(keys)}},
        }
        self.emulator.judge()
        self.emulator.tolerated.add(function)
        iam.put_role_policy(RoleName=role, PolicyName="CutOff", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
        before = len(self.emulator.made)

        def refusals():
            return sum(not d["allowed"] and d["function"] == function for d in self.emulator.made[before:])

        try:
            yield refusals
        finally:
            iam.delete_role_policy(RoleName=role, PolicyName="CutOff")
            self.emulator.judge()
            self.emulator.tolerated.discard(function)
        if not refusals():
            raise Failed(f"{function} was to be cut off at {action or keys}, and did nothing there")

    @contextlib.contextmanager
    def without(self, permission):
        """Takes one action on one resource out of a function's policy meanwhile: a policy that is too narrow."""
        function, policy, index, action, resource = permission
        iam, role, document = self.emulator.client("iam"), self.role(function), self.policies[function][policy]
        narrow = statements(document)[:]
        whole = narrow.pop(index)
        for actions, resources in (
            ([a for a in listed(whole["Action"]) if a != action], listed(whole["Resource"])),
            ([action], [r for r in listed(whole["Resource"]) if r != resource]),
        ):
            if actions and resources:
                narrow.append({k: v for k, v in whole.items() if k != "Sid"} | {"Action": actions, "Resource": resources})
        if narrow:
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps({**document, "Statement": narrow}))
        else:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
        self.renew(function)
        try:
            yield
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))

    def renew(self, function, **settings):
        """Has the next call of a function begin with a new process: one that runs may keep what it was allowed to read before."""
        functions, name = self.emulator.client("lambda"), self.resources[function]
        size = functions.get_function_configuration(FunctionName=name)["MemorySize"]
        functions.update_function_configuration(FunctionName=name, **(settings or {"MemorySize": size}))
        functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": PATIENCE})
        functions.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=functions.publish_version(FunctionName=name)["Version"])

    @contextlib.contextmanager
    def hurried(self, *names):
        """Gives dry runs of these functions no time within their requests meanwhile, so that all are deferred."""
        functions, kept = self.emulator.client("lambda"), {}
        try:
            for name in names:
                kept[name] = functions.get_function_configuration(FunctionName=self.resources[name])["Environment"]["Variables"]
                self.renew(name, Environment={"Variables": kept[name] | {"DRY_RUN_TIME": "1ns"}})
            yield
        finally:
            for name, variables in kept.items():
                self.renew(name, Environment={"Variables": variables})

    def unplayed(self):
        """Tells of every route, trigger and function of the template that no scene used."""
        called = set()
        for method, path in Client.counted:
            fit = [r for r in self.routes if r != "$default" and fits(r, method, path)]
            # A route that names a segment goes before one with a variable there, and that before one that takes the rest.
            called.add(min(fit, key=lambda r: ("+}" in r, [s.startswith("{") for s in r.split("/")])) if fit else "$default")
        yield from (f"no scene calls {route}" for route in sorted(set(self.routes) - called))
        for name, resource in self.template["Resources"].items():
            if resource["Type"] in UNKNOWN_TRIGGERS:
                yield f"no scene knows how to fire {name}, a {resource['Type']}"
            if resource["Type"] == "AWS::Lambda::EventSourceMapping":
                queue = resource["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
                # What is sent to it is done by nothing else, and a scene waits for that.
                if not any(d["action"].lower() == "sqs:sendmessage" and d["allowed"] and self.resources[queue].split("/")[-1] in d["resource"] for d in self.emulator.made):
                    yield f"no scene hands anything on to {queue}, which invokes a function"
        versions = self.emulator.client("s3").list_object_versions
        for bucket, prefix, function in self.notifications():
            if not versions(Bucket=self.resources[bucket], Prefix=prefix, MaxKeys=1).get("Versions"):
                yield f"no scene puts an object into {bucket} at {prefix}, which invokes {function}"
        spawned = self.emulator.log.read_text(errors="replace")
        yield from (f"no scene runs {function}" for function in self.functions if f"spawned for {self.resources[function]} " not in spawned)

    def notifications(self):
        """Yields bucket, prefix and function of every notification of S3."""
        for bucket, resource in self.template["Resources"].items():
            if resource["Type"] != "AWS::S3::Bucket":
                continue
            for to in resource["Properties"].get("NotificationConfiguration", {}).get("LambdaConfigurations", []):
                rules = to.get("Filter", {}).get("S3Key", {}).get("Rules", [])
                prefix = next((rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"), "")
                yield bucket, prefix, to["Function"]["Ref"].removesuffix("Alias" + ALIAS)

    def schedules(self):
        """Gives every schedule and the function that it invokes."""
        return {
            name: target["Arn"]["Ref"].removesuffix("Alias" + ALIAS)
            for name, resource in self.template["Resources"].items() if resource["Type"] == "AWS::Events::Rule"
            for target in resource["Properties"]["Targets"]
        }

    def deliver(self, function, bucket, prefix):
        """Delivers the event of the newest object below a prefix once more, as S3 may."""
        versions = self.emulator.client("s3").list_object_versions(Bucket=self.resources[bucket], Prefix=prefix)["Versions"]
        newest = max(versions, key=lambda v: v["LastModified"])
        self.invoke(function, {"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventName": "ObjectCreated:Put",
            "eventTime": newest["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "s3": {"bucket": {"name": self.resources[bucket]}, "object": {
                "key": urllib.parse.quote_plus(newest["Key"], safe="/"), "size": newest["Size"], "eTag": newest["ETag"].strip('"'),
                "versionId": newest["VersionId"], "sequencer": "1",
            }},
        }]})

    def empty_table(self):
        """Forgets all accounts: the emulator goes through every item for each query of an index."""
        dynamodb, name = self.emulator.client("dynamodb"), self.resources["Table"]
        for page in dynamodb.get_paginator("scan").paginate(TableName=name, ProjectionExpression="pk,sk"):
            for i in range(0, len(page["Items"]), 25):
                dynamodb.batch_write_item(RequestItems={name: [{"DeleteRequest": {"Key": key}} for key in page["Items"][i:i + 25]]})

    def create_another(self, prefix, refused=None, **parameters):
        """Makes a second stack of the same template, with a user pool, one resource of which may be refused, and tells how it ended and what happened."""
        given = {"Architecture": "x86_64", "Prefix": prefix} | parameters
        cloudformation, file = self.emulator.client("cloudformation"), self.emulator.folder / "refused"
        if self.original is None:
            body = cloudformation.get_template(StackName=NAME, TemplateStage="Original")["TemplateBody"]
            self.original = body if isinstance(body, str) else json.dumps(body)
        # Too long to be sent with the request.
        bucket = re.search(r"s3://([^/\s]+)/", self.original)[1]
        self.emulator.client("s3").put_object(Bucket=bucket, Key="another.template", Body=self.original.encode())
        if refused:
            file.write_text(refused)
        try:
            cloudformation.create_stack(
                StackName=prefix, TemplateURL=f"{self.emulator.url}/{bucket}/another.template", Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            )
            status = self.settled(prefix)
        finally:
            file.unlink(missing_ok=True)
        return status, self.events(prefix)

    def resources_of(self, name):
        """Gives the names of the resources of a stack, by logical id."""
        pages = self.emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}

    def events(self, name):
        """Gives what happened to a stack, from its creation on."""
        pages = self.emulator.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def deploy_again(self):
        """Deploys what is built already, as make deploy does in its second half, and tells whether that succeeded."""
        sam = root / ".tools/venv/bin/sam"
        return self.command("again", [sam, "deploy", "--config-env", "prod", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--parameter-overrides", *self.given()]) == 0

    def adopt(self, table):
        """Makes the stack around what is left of a deleted one, as make adopt does in its second half."""
        python = root / ".tools/venv/bin/python"
        if self.command("adopt", [python, root / "infra/tools/adopt.py", "--yes", "--table", table, *self.given()]) != 0:
            raise Failed("adopting ends with an error:\n" + (self.emulator.folder / "adopt.log").read_text()[-3000:])
        return (self.emulator.folder / "adopt.log").read_text()

    def given(self):
        return ["Architecture=x86_64", "JwtIssuer=" + self.emulator.issuer.url, "JwtAudience=" + AUDIENCE, "ConsoleClientId=" + CLIENT, "AlarmTopicArn=" + self.topic, "RequestsPerMinute=1000"]

    def smoke(self, **environment):
        """Tries the stack as make deploy does after it, and gives whether that succeeded and what it said."""
        more = {"SMOKE_URL": self.url, "SSL_CERT_FILE": str(self.emulator.certificate)} | environment
        code = self.command("smoke", ["make", "--no-print-directory", "smoke"], **more)
        return code == 0, (self.emulator.folder / "smoke.log").read_text(errors="replace")

    def command(self, name, arguments, **environment):
        with (self.emulator.folder / (name + ".log")).open("wb") as log:
            return subprocess.run(
                [str(a) for a in arguments], cwd=root, env=self.emulator.aws_environment() | {"SAM_CLI_TELEMETRY": "0"} | environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
            ).returncode

    def delete(self, name=NAME):
        cloudformation = self.emulator.client("cloudformation")
        cloudformation.delete_stack(StackName=name)
        status = self.settled(name)
        if status is not None:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            why = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"]]
            raise Failed("\n".join([f"the stack is {status}, not gone", *why[::-1]]))

    def settled(self, name):
        """Waits until nothing is in progress, and gives the state of the stack; None when it is gone."""
        cloudformation = self.emulator.client("cloudformation")
        until = time.monotonic() + 2 * PATIENCE
        while True:
            try:
                status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            except cloudformation.exceptions.ClientError:
                return None
            if status == "DELETE_COMPLETE":
                return None
            if not status.endswith("_IN_PROGRESS") or time.monotonic() > until:
                return status
            time.sleep(0.2)

    def failed_events(self):
        """How many events wait in the queue of those that were given up."""
        attributes = self.emulator.client("sqs").get_queue_attributes(QueueUrl=self.resources["FailedEvents"], AttributeNames=["ApproximateNumberOfMessages"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    def eventually(self, what, look):
        """Waits for the first answer of look that is not false, and no longer once something was refused."""
        until = time.monotonic() + PATIENCE
        while True:
            self.emulator.judge()
            found = look()
            if found:
                return found
            if time.monotonic() > until:
                raise Failed(f"{what}: not within {PATIENCE} s")
            time.sleep(0.1)


def fits(route, method, path):
    verb, _, pattern = route.partition(" ")
    wanted, got = pattern.split("/"), path.split("/")
    if wanted[-1].endswith("+}"):
        wanted[-1:] = ["{}"] * max(1, len(got) - len(wanted) + 1)
    same = len(wanted) == len(got) and all(w == g or w.startswith("{") for w, g in zip(wanted, got))
    return same and verb in (method, "ANY")


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(document):
    return listed(document["Statement"])


def permissions(policies):
    """Yields function, policy, index of the statement, action and resource of everything that functions may do."""
    for function, documents in policies.items():
        for policy, document in documents.items():
            for index, statement in enumerate(statements(document)):
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        yield function, policy, index, action, resource


def matches(decision, function, action, resource):
    return (
        decision["function"] == function and decision["allowed"]
        and fnmatch.fnmatchcase(decision["action"].lower(), action.lower()) and fnmatch.fnmatchcase(decision["resource"], resource)
    )


ROLES = "roles"  # granted to who has the permissions of their roles in the directory: the token names none


class Client:
    """Speaks to the API as one user of one account, and counts."""

    counted = collections.Counter()  # requests, by method and path

    def __init__(self, stack, account, user, granted=None):
        self.headers = {}  # of the last answer
        self.stack, self.account, self.a = stack, account, "/v1/accounts/" + account
        self.bearer = stack.emulator.issuer.token(account, user, PERMISSIONS if granted is None else granted)

    def send(self, method, path, body=None, accept=None, want=None, **headers):
        """Sends a request and gives the body of the answer; a relative path is one of the account's."""
        address = path if path.startswith("/") else f"{self.a}/{path}".rstrip("/")
        request = urllib.request.Request(self.stack.url + address, method=method, headers=headers)
        if self.bearer:
            request.add_header("Authorization", "Bearer " + self.bearer)
        if accept:
            request.add_header("Accept", accept)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        if method != "GET":
            request.add_header("Idempotency-Key", uuid.uuid4().hex)
        status, self.headers, data = exchange(request, self.stack.emulator.trust)
        self.stack.emulator.judge()
        Client.counted[method, address.split("?")[0]] += 1
        if status not in (want or (200, 201, 202, 204)):
            raise Failed(f"{method} {address}: {status}: {data[:500].decode(errors='replace')}")
        return data

    def json(self, method, path, body=None, want=None):
        return json.loads(self.send(method, path, body, want=want) or b"null")

    def get(self, path, **options):
        return self.json("GET", path, **options)

    def put(self, path, body, **options):
        return self.json("PUT", path, body, **options)

    def post(self, path, body=None, **options):
        return self.json("POST", path, body, **options)

    def patch(self, path, body, **options):
        return self.json("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.json("DELETE", path, **options)
