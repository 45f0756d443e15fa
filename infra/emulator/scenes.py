"""What is run on the stack: each scene makes an account of its own, so that any of them can be run alone, and again.

Together they are the path from the account to the report, every trigger, and for every kind of work that may be cut off
between two commits a run that is cut off there and finished by a schedule. Scenes with an aggregation come first, while
there are few accounts: the emulator goes through every item for each query of an index.
"""

import datetime
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from browse import Browser
from stack import CLIENT, OPERATOR, PATIENCE, PERMISSIONS, ROLES, Client, Failed, exchange

PHONE = ("phone-system", "device_ip_phone", "call_recording")
PEOPLE = "User,Name,Email,Extension,Number,Active,Agent source\n"
SCENES = []
RESUMED = {}  # a kind of work left behind, as docs/data-model.md names it: the scene that cuts it off and has it finished


def scene(play):
    SCENES.append(play)
    return play


def resumes(*kinds):
    """Says which work left behind a scene has finished by a schedule."""

    def of(play):
        RESUMED.update(dict.fromkeys(kinds, play.__name__))
        return play

    return of


def same(what, got, want):
    if got != want:
        raise Failed(f"{what}: {got}, want {want}")


def open_account(stack, **settings):
    """An operator makes an account; its admin has two cost centers."""
    name = "a" + uuid.uuid4().hex[:10]
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    body = {"name": name.upper(), "brand": "RingCentral", "currency": "USD", "timezone": "America/New_York", "billingDay": 1, "bundle": "standard"}
    operator.put("/v1/accounts/" + name, body | settings)
    admin = Client(stack, name, "ada")
    for code in ("CC-1", "CC-2"):
        admin.put("cost-centers/" + code, {"name": "Cost center " + code})
    return admin


def buy(admin, **quantities):
    lines = [{"productId": product, "quantity": n, "costCenter": "CC-1"} for product, n in quantities.items()]
    quote = admin.post("quotes", {"lines": lines})
    return admin.post("orders", {"quoteId": quote["id"], "acknowledged": True})


def people(admin, *names, **more):
    for name in names:
        admin.put("users/" + name, {"name": name.title(), "email": f"{name}@{admin.account}.test"} | more)


def assigned(admin, product):
    rows = {row["productId"]: row for row in admin.get("licenses/summary")["items"]}
    return rows[product]["assigned"] if product in rows else 0


def state_of(stack, admin, path, *states):
    def look():
        job = admin.get(path)
        if job["state"] in ("failed", "rejected") and job["state"] not in states:
            raise Failed(f"{path}: {json.dumps(job)[:800]}")
        return job if job["state"] in states else None

    return stack.eventually(f"{path} is {' or '.join(states)}", look)


def transfer(stack, address, data=None, headers=None, method=None):
    """Uses a presigned URL, as anybody may who has it."""
    request = urllib.request.Request(address, data=data, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=stack.emulator.trust) as answer:
            return answer.read()
    except urllib.error.HTTPError as answer:
        refusal = answer.read()[:500]
    stack.emulator.judge()
    raise Failed(f"a presigned URL: {refusal!r}")


def upload(stack, admin, collection, file_name, text, **more):
    data = text.encode()
    job = admin.post(collection, {"fileName": file_name, "sizeBytes": len(data)} | more)
    to = job["upload"]
    transfer(stack, to["url"], data, {k: v for k, v in to["headers"].items() if k.lower() != "content-length"}, to["method"])
    return f"{collection}/{job['id']}"


def phones(*rows):
    header = "Ext Key,Number,User,Addon license 1,Addon license 2\n"
    return header + "".join(f"{key},{number},{user},device_ip_phone,call_recording\n" for key, number, user in rows)


@scene
def doors(stack):
    """Health is open to everybody, everything else asks for a token that is good."""
    stranger = Client(stack, "acme", "eve")
    stranger.bearer = None
    same("health", stranger.get("/v1/health")["status"], "ok")
    stranger.send("GET", "cart", want=[401])
    stranger.bearer = "a.b.c"
    stranger.send("GET", "cart", want=[401])
    stranger.bearer = stack.emulator.issuer.token("acme", "eve", PERMISSIONS, aud="another")
    stranger.send("GET", "cart", want=[401])
    admin = open_account(stack)
    Client(stack, "other", "gus").send("GET", admin.a + "/cart", want=[404])
    Client(stack, admin.account, "gus", ["catalog.read"]).send("GET", "cart", want=[403])
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    operator.get("/v1/accounts?limit=5")
    operator.get(admin.a)
    same("me", admin.get("/v1/me")["user"], "ada")


@scene
def tried_out(stack):
    """What make deploy tries of the stack succeeds, leaves nothing behind, and fails when the stack does not work for it."""
    token = stack.emulator.issuer.token
    client = {"SMOKE_TOKEN_URL": stack.emulator.issuer.url + "/token", "SMOKE_CLIENT_ID": "smoke", "SMOKE_CLIENT_SECRET": "secret"}
    for given, works, says in (
        (client, True, "signed in, bought, assigned and terminated"),
        ({"SMOKE_TOKEN": token("provider", "smoke", OPERATOR)}, True, "signed in, bought, assigned and terminated"),
        ({}, True, "only what needs no token"),
        (client | {"SMOKE_CLIENT_SECRET": "another"}, False, "gives no token"),
        ({"SMOKE_TOKEN": token("provider", "smoke", OPERATOR, aud="another")}, False, "GET /v1/me: 401"),
        ({"SMOKE_TOKEN": token("provider", "smoke", ["accounts.manage"])}, False, "403"),
        (client | {"SMOKE_URL": stack.url + "/nowhere"}, False, "/v1/health: 404"),
    ):
        worked, said = stack.smoke(**given)
        same(f"the smoke test with {list(given)}: {said}", (worked, says in said), (works, True))
    with stack.cut_off("AssignmentFunction", "A#smoke-test#*"):
        same("a stack that cannot assign works", stack.smoke(**client)[0], False)
    admin = Client(stack, "smoke-test", "smoke", PERMISSIONS)
    same("people left", admin.get("users")["items"], [])
    same("licenses assigned", admin.get("licenses?status=assigned")["items"], [])


@scene
def limit_of_requests(stack):
    """Each function tells of the requests that it takes, and beyond the limit of a minute an account is told when to come again."""
    table, name = stack.emulator.client("dynamodb"), stack.resources["Table"]

    def told(account):
        key = {":account": {"S": f"A#{account}#QUOTA"}}
        items = table.query(TableName=name, KeyConditionExpression="pk = :account", ExpressionAttributeValues=key)["Items"]
        return max((int(item["n_told"]["N"]) for item in items), default=0)

    some = str(uuid.UUID(int=0))
    for path, status in (
        ("policies", 200), ("mass-configurations", 200), ("reports", 200), (f"orders/{some}/statement", 404), ("mass-configurations/template", 200), ("audit", 200),
    ):
        admin = open_account(stack)
        # A hundredth of the limit is taken untold. The first to tell makes the item of the minute, and then it is added to.
        for _ in range(60):
            admin.send("GET", path, want=[status])
            if told(admin.account) >= 20:
                break
        else:
            raise Failed(f"{path}: nobody told of its requests")
    admin = open_account(stack)
    now = datetime.datetime.now(datetime.timezone.utc)
    for minute in range(3):
        at = (now + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M")
        table.put_item(TableName=name, Item={
            "pk": {"S": f"A#{admin.account}#QUOTA"}, "sk": {"S": at}, "v": {"N": "1"}, "d": {"S": "{}"}, "n_told": {"N": "995"}, "n_processes": {"N": "1"},
        })
    for _ in range(30):
        answer = admin.json("GET", "audit", want=[200, 429])
        if "type" in answer:
            break
    same("beyond the limit", answer.get("type"), "urn:seatwise:problem:rate-limited")
    same("when to come again", 0 < int(admin.headers["Retry-After"]) <= 60, True)


@scene
def deferred(stack):
    """What takes longer than a request may is carried out behind its answer, whichever function it was asked of."""
    admin = open_account(stack)
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    people(admin, "eve")
    eve, none = {"productId": "client-desktop", "userId": "eve"}, str(uuid.UUID(int=0))
    asked = {
        "AccountsFunction": (operator, "PATCH", "/v1/accounts/" + admin.account, {"name": "Other"}),
        "AssignmentFunction": (admin, "POST", "assignments", {"items": [eve]}),
        "BillingFunction": (admin, "PUT", "policies/live-reports", {"lowSeats": 1}),
        "DirectoryFunction": (admin, "PUT", "roles/agent", {"name": "Agent", "permissions": [], "licenses": ["essential-user"]}),
        "LicensesFunction": (admin, "POST", "licenses/terminate", {"licenseIds": [none]}),
        "MassConfigurationFunction": (admin, "POST", "exports", {"kind": "users"}),
        "MetricsFunction": (admin, "PUT", "metrics/licenses/wallboards", {"max": 3}),
        "PurchaseFunction": (admin, "PUT", "cost-centers/CC-9", {"name": "Nine"}),
        "ReportFunction": (admin, "POST", "reports", {"kind": "license-status"}),
        "RequestsFunction": (admin, "POST", "requests", eve | {"reason": "Needed"}),
        "UsageFunction": (admin, "POST", "reclaims", {"productId": "client-desktop", "days": 1}),
    }
    told = {}
    with stack.hurried(*asked):
        for name, (client, method, path, body) in asked.items():
            client.send(method, path + "?dryRun=true", body, want=[202])
            told[name] = (client, client.headers["Location"])
    for name, (client, location) in told.items():
        same(f"what {name} would do", "effects" in state_of(stack, client, location, "ready"), True)
    foretold = admin.get(told["AssignmentFunction"][1])
    same("who gains", [(user["userId"], user["gains"]) for user in foretold["effects"]["users"]], [("eve", ["client-desktop"])])
    same("what was done", admin.get("licenses?user=eve")["items"], [])
    # With its plan it is done behind its answer; what gives it back deletes items, and what orders licenses adds to counts.
    admin.put("roles/plain", {"name": "Plain"})
    remove, quote = ("POST", "assignments/remove", {"items": [eve]}), admin.post("quotes", {"lines": [{"productId": "live-reports", "quantity": 1, "costCenter": "CC-1"}]})
    order = {"quoteId": quote["id"], "acknowledged": True}
    with stack.hurried("AssignmentFunction", "DirectoryFunction", "PurchaseFunction"):
        admin.send("POST", "assignments", {"items": [eve]}, want=[202], **{"If-Plan": foretold["plan"]})
        same("what it is answered", state_of(stack, admin, admin.headers["Location"], "ready")["answer"]["status"], 200)
        same("what was done", len(admin.get("licenses?user=eve")["items"]), 1)
        for method, path, body in (remove, ("POST", "orders", order), ("DELETE", "roles/plain", None)):
            admin.send(method, path + "?dryRun=true", body, want=[202])
            plan = state_of(stack, admin, admin.headers["Location"], "ready")["plan"]
            admin.send(method, path, body, want=[202], **{"If-Plan": plan})
            state_of(stack, admin, admin.headers["Location"], "ready")
    same("what was done", admin.get("licenses?user=eve")["items"], [])
    same("what was bought", len(admin.get("licenses?product=live-reports")["items"]), 1)
    Client(stack, admin.account, "eve").send("GET", told["AssignmentFunction"][1], want=[404])
    admin.send("GET", "deferred/" + none, want=[404])


@scene
def cost_of_a_tenant(stack):
    """What the functions wrote of an account is folded into a day of it, and an operator reads what that cost."""
    admin = open_account(stack)
    for _ in range(3):
        admin.get("audit")
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    today = datetime.datetime.now(datetime.timezone.utc).date()
    address = f"{admin.a}/cost?from={today}"
    admin.send("GET", address, want=[403])
    same("before it is folded", operator.get(address)["days"], [])
    stack.eventually("its lines are there", lambda: len(stack.emulator.logged(f'"account":"{admin.account}"')) >= 7)
    stack.tick("CostFunction", after=24 * 60)
    told = operator.get(address)
    same("days", [day["day"] for day in told["days"]], [str(today)])
    counted = told["counted"]
    same("what was counted", (counted["requests"] >= 7, counted["readUnits"] > 3, counted["writeUnits"] > 6, counted["gbSeconds"] > 0), (True, True, True, True))
    same("what it cost", 0 < told["dollars"]["total"] < 0.01, True)


@scene
@resumes("ARCHIVE")
def offboarding(stack):
    """An account is archived, the worker of it cut off once, closed, archived again, and erased."""
    admin, other = open_account(stack), open_account(stack)
    people(admin, "ann")
    state_of(stack, admin, "exports/" + admin.post("exports", {"kind": "users", "format": "csv"})["id"], "ready")
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    address = admin.a + "/archive"

    def archived(want, address=address):
        made = operator.get(address)
        return made if made["state"] == want else None

    # Files of every kind, which are to be erased.
    people(admin, "john")
    buy(admin, **dict.fromkeys(PHONE, 1))
    job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "John")))
    state_of(stack, admin, job, "ready")
    admin.post(job + "/configure")
    state_of(stack, admin, job, "completed")
    stack.emulator.client("s3").put_object(Bucket=stack.resources["UploadsBucket"], Key=f"drops/{admin.account}/x.csv", Body=b"neither")
    stack.eventually("the drop is looked at", lambda: len(admin.get("mass-configurations")["items"]) == 2)
    state_of(stack, admin, "reports/" + admin.post("reports", {"kind": "license-status"})["id"], "ready")
    with stack.hurried("DirectoryFunction"):
        admin.send("PUT", "roles/agent?dryRun=true", {"name": "Agent"}, want=[202])
        state_of(stack, admin, admin.headers["Location"], "ready")

    # With hardly any time it goes on in a next run, which it wakes up itself.
    stack.renew("OffboardingFunction", Timeout=30)
    operator.post(other.a + "/archive", None)
    stack.eventually("another archive is ready", lambda: archived("ready", other.a + "/archive"))
    stack.renew("OffboardingFunction", Timeout=900)
    given_up = stack.failed_events()
    with stack.cut_off("OffboardingFunction", f"A#{admin.account}#ARCHIVES"):
        operator.post(address, None)
        stack.eventually("the ticket is given up", lambda: stack.failed_events() > given_up)
    same("state", operator.get(address)["state"], "queued")
    stack.tick("OffboardingFunction", after=5)
    made = stack.eventually("the archive is ready", lambda: archived("ready"))
    users = [f for f in made["files"] if f["name"] == "users.jsonl"][0]
    if b'"name":"Ann"' not in transfer(stack, users["downloadUrl"]):
        raise Failed("the archive lacks a user")
    operator.patch(admin.a, {"state": "closed"})
    operator.post(address, None)
    stack.eventually("the second archive is ready", lambda: archived("ready"))
    erasure = "/v1/erasures/" + operator.post(admin.a + "/erase", {"confirm": admin.account})["id"]
    same("state", operator.get(erasure)["state"], "waiting")
    stack.tick("OffboardingFunction", after=60)
    told = operator.get(erasure)
    same("state", told["state"], "erased")
    same("what was erased", (told["counts"]["records"] > 20, told["counts"]["versions"] > 3), (True, True))
    operator.send("GET", admin.a, want=[404])
    other.get("audit")


@scene
@resumes("FORGET")
def forgotten(stack):
    """Somebody is deleted and forgotten: the worker is cut off in the first pass, and the second one, a day later, removes the files of before."""
    admin = open_account(stack)
    people(admin, "ann")
    export = "exports/" + admin.post("exports", {"kind": "users", "format": "csv"})["id"]
    file = state_of(stack, admin, export, "ready")["downloadUrl"]
    email = f"ann@{admin.account}.test"
    same("the file names her", email.encode() in transfer(stack, file), True)
    # Two plans that name her: one was applied, and is changed only while nobody writes it; one waits, and is withdrawn.
    applied, waits = (upload(stack, admin, "imports", "users.csv", PEOPLE + f"ann,{name},{email},,,,\n", kind="users") for name in ("Anna", "Anne"))
    for plan in (applied, waits):
        state_of(stack, admin, plan, "ready")
    admin.post(applied + "/apply")
    state_of(stack, admin, applied, "completed")

    def files():
        versions, places = stack.emulator.client("s3").list_object_versions, (("ReportsBucket", "results"), ("UploadsBucket", "uploads"))
        found = [versions(Bucket=stack.resources[bucket], Prefix=f"{folder}/{admin.account}/") for bucket, folder in places]
        return [[v["Key"] for v in one.get("Versions", [])] for one in found]

    same("files", [len(found) > 0 for found in files()], [True, True])
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    forgetting = admin.a + "/users/ann/forget"
    operator.send("POST", forgetting, want=[409])
    admin.send("DELETE", "users/ann")
    same("the audit log names her", email in json.dumps(admin.get("audit")), True)
    given_up = stack.failed_events()
    with stack.cut_off("OffboardingFunction", f"A#{admin.account}#FORGOTTEN"):
        operator.post(forgetting)
        stack.eventually("the ticket is given up", lambda: stack.failed_events() > given_up)
    same("state", operator.get(forgetting)["state"], "queued")
    stack.tick("OffboardingFunction", after=5)
    same("after the first pass", operator.get(forgetting)["state"], "again")
    same("the plans", [admin.get(plan)["state"] for plan in (applied, waits)], ["completed", "cancelled"])
    same("the audit log names her", email in json.dumps(admin.get("audit")), False)
    admin.put("users/ann", {"name": "Ann"}, want=[409])
    stack.tick("OffboardingFunction", after=25 * 60)
    same("an hour too early", operator.get(forgetting)["state"], "again")
    stack.tick("OffboardingFunction", after=26 * 60 + 5)
    same("after the second pass", operator.get(forgetting)["state"], "forgotten")
    same("files left", files(), [[], []])
    same("texts of which it was not known whose they are", stack.emulator.logged("it is not known whose it is"), [])
    people(admin, "ann")


@scene
def alarms_ring(stack):
    """What functions tell of their failures, and what the gateway and the queue count, makes each alarm on one metric ring, and whoever listens hears it."""
    metrics, queues = stack.emulator.client("cloudwatch"), stack.emulator.client("sqs")
    heard = queues.create_queue(QueueName="heard")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    queues.set_queue_attributes(QueueUrl=heard, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    stack.emulator.client("sns").subscribe(TopicArn=stack.topic, Protocol="sqs", Endpoint=arn)
    alarms = {a["AlarmName"].removeprefix("seatwise-").rpartition("-")[0]: a for a in metrics.describe_alarms()["MetricAlarms"] if a["AlarmName"].startswith("seatwise-")}
    same("alarms", len(alarms), 8)
    # What a function writes of a request that it cannot answer is what CloudWatch reads.
    admin = open_account(stack)
    with stack.cut_off("PurchaseFunction", f"A#{admin.account}#*"):
        admin.send("PUT", "cost-centers/CC-9", {"name": "Nine"}, want=[500])
    line = json.loads(stack.emulator.logged('"Errors":1')[-1])
    directive = line["_aws"]["CloudWatchMetrics"][0]
    same("what is counted", (directive["Namespace"], directive["Dimensions"], "Errors" in [m["Name"] for m in directive["Metrics"]]), ("Seatwise", [[]], True))
    counted = {"AnsweredErrorsAlarm": line["Errors"], "LatencyAlarm": 2500, "UnfinishedWorkAlarm": 4000, "ThrottlesAlarm": 60}
    for name, alarm in sorted(alarms.items()):
        if name in ("SchedulesAlarm", "ConcurrencyAlarm"):
            continue  # The emulator knows no arithmetic of metrics: the template's tests have them ring.
        same(f"whom {name} tells", alarm["AlarmActions"], [stack.topic])
        metrics.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="The scene begins")
        metrics.put_metric_data(Namespace=alarm["Namespace"], MetricData=[{"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": counted.get(name, 1)}])
        state = metrics.describe_alarms(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"][0]["StateValue"]
        same(f"the state of {name}", state, "ALARM")
        told = [json.loads(json.loads(m["Body"])["Message"])["AlarmName"] for m in queues.receive_message(QueueUrl=heard, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])]
        same(f"what is heard of {name}", alarm["AlarmName"] in told, True)


@scene
def document(stack):
    """The document and its page are open; what no route takes, and a preflight, are answered without a token."""
    stranger = Client(stack, "acme", "eve")
    stranger.bearer = None
    same("openapi.json", stranger.get("/v1/openapi.json")["openapi"][:2], "3.")
    same("openapi.yaml", b'\nopenapi: "3.' in stranger.send("GET", "/v1/openapi.yaml"), True)
    page = stranger.send("GET", "/docs").decode()
    file = re.search(r'(?:src|href)="(?:\./)?(docs/[^"/]+)"', page)
    if not file:
        raise Failed("the page of the document names no file: " + page[:500])
    stranger.send("GET", "/" + file[1])
    for method, path, status, slug in (("GET", "/nowhere", 404, "not-found"), ("DELETE", "/v1/health", 405, "method-not-allowed")):
        problem = stranger.json(method, path, want=[status])
        same(f"{method} {path}", problem["type"], "urn:seatwise:problem:" + slug)
    # Where no origin is allowed, the gateway hands preflights to their route: no headers of CORS, so the browser calls no further.
    answer = stack.preflight("/v1/accounts/acme/cart")
    same("a preflight", answer["statusCode"], 204)
    same("headers of CORS", [name for name in answer["headers"] if name.lower().startswith("access-control")], [])


@scene
def console(stack):
    """Somebody signs in to the console at the provider, sees a page that it makes by calling the API, and signs out."""
    admin = watched(stack)
    browser, issuer, page = Client(stack, admin.account, "ada"), stack.emulator.issuer, f"/console/{admin.account}/licenses"
    browser.bearer = None
    moved = [302, 303, 307, 308]
    for path in ("/", "/console", page):
        browser.send("GET", path, want=moved)
    browser.send("GET", "/console/-/sign-in?own=1&to=" + page, want=moved)
    cookies = {}

    def keep():
        for header in browser.headers.get_all("Set-Cookie") or []:
            name, _, value = header.split(";")[0].partition("=")
            cookies[name] = value
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(browser.headers["Location"]).query))
    issuer.codes["1"] = {
        "access_token": issuer.token(admin.account, "ada", PERMISSIONS), "token_type": "Bearer", "expires_in": 3600,
        "id_token": issuer.token(admin.account, "ada", [], aud=CLIENT, nonce=asked["nonce"]),
    }
    browser.send("GET", "/console/-/signed-in?" + urllib.parse.urlencode({"code": "1", "state": asked["state"]}), want=moved, **keep())
    same("the page after signing in", browser.headers["Location"].endswith(page), True)
    shown = browser.send("GET", page, **keep()).decode()
    same("licenses on the page", shown.count("License Type") > 0 and "Ann" in shown, True)
    by_pages(stack, admin, cookies)
    browser.send("POST", "/console/-/sign-out", want=moved, **keep())
    browser.send("GET", page, want=moved, **keep())


def by_pages(stack, admin, cookies):
    """Buys, assigns, configures from a file and downloads the report, by the forms and links of the console alone."""

    def send(request):
        answer = exchange(request, stack.emulator.trust)
        stack.emulator.judge()
        return answer

    people(admin, "cora")
    base, pages = f"/console/{admin.account}", Browser(stack.url, send, cookies)
    for product, count in (("call-queue-booster", 1), *((product, 1) for product in PHONE)):
        quantity = f"quantity-{product}"
        tiles = pages.open(base + "/purchase").form("/purchase", **{quantity: "1"})
        pages.press(tiles, f"add:{product}", **{quantity: str(count)})
    cart = pages.open(base + "/cart")
    cart = pages.press(cart.form("/cart"), "all", costCenter="CC-1")
    review = pages.press(cart.form("/cart"), "next")
    placed = pages.press(review.form("/cart"), "order", acknowledged="yes")
    same("placed", "is placed" in placed.text, True)
    free = pages.open(base + "/licenses?product=call-queue-booster&status=available")
    given = pages.press(pages.open(free.link("Assign")).form("/assign"), userId="cora")
    same("assigned", "is assigned to" in given.text, True)
    text = phones(("777", "6567891777", "cora"))
    place = pages.place(pages.open(base + "/mass-configurations").form("/mass-configurations"), "phones.csv", len(text))
    transfer(stack, place["url"], text.encode(), place["headers"], place["method"])
    shows = stack.eventually
    plan = shows("the plan", lambda: shown_with(pages.open(place["page"]), "Configure"))
    pages.press(pages.open(plan.link("Configure")).form("/configure"))
    shows("the result", lambda: shown_with(pages.open(place["page"]), "Undo"))
    same("phones", assigned(admin, "phone-system"), 1)
    report = pages.press(pages.open(base + "/usage").form("/usage/reports"))
    ready = shows("the report", lambda: shown_with(pages.open(report.path), "Excel file"))
    same("a workbook", transfer(stack, pages.leads(ready.link("Excel file")))[:2], b"PK")


def shown_with(page, link):
    try:
        page.link(link)
    except LookupError:
        return None
    return page


@scene
def rotated_keys(stack):
    """The key of cursors and plans is rotated while both are in somebody's hands; every function that makes them reads it itself."""
    admin = watched(stack)
    operator = Client(stack, "provider", "olga", ["accounts.manage", "licenses.manage"])
    secrets, secret = stack.emulator.client("secretsmanager"), stack.resources["CursorKey"]

    def rotate():
        secrets.put_secret_value(SecretId=secret, SecretString=uuid.uuid4().hex * 2)
        stack.renew("DirectoryFunction")  # which reads it after five minutes too

    page, now = admin.get("users?limit=1"), datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    person, use = {"name": "Zoe", "email": "zoe@zoe.test"}, {"id": "1", "userId": "eve", "productId": "live-reports", "at": now}
    foreseen = admin.put("users/zoe?dryRun=true", person)
    for caller, method, path, body in (
        (operator, "PATCH", admin.a, {"brand": "Another"}),
        (admin, "PUT", "cost-centers/CC-3", {"name": "Third"}),
        (Client(stack, admin.account, "ann", []), "POST", "requests", {"productId": "developer", "reason": "I need it"}),
        (admin, "POST", "mass-configurations", {"fileName": "phones.csv", "sizeBytes": 10}),
        (admin, "POST", "assignments", {"items": [{"productId": "live-reports", "userId": "eve"}]}),
        (admin, "POST", "usage/activity", {"events": [use]}),
        (admin, "POST", "reports", {"kind": "license-status"}),
        (admin, "PUT", "wallboards/w", {"name": "W", "kind": "analytics", "userId": "eve"}),
        (admin, "PUT", "policies/developer", {"lowSeats": 2}),
    ):
        same(f"a plan of {method} {path}", len(caller.json(method, path + "?dryRun=true", body)["plan"]), 55)
    for path in ("licenses", "audit"):
        more = admin.get(path + "?limit=1")["nextCursor"]
        same(f"the next page of {path}", len(admin.get(f"{path}?limit=1&cursor={more}")["items"]), 1)
    rotate()
    second = admin.get("users?limit=1&cursor=" + page["nextCursor"])
    same("the page after a cursor of the value before", len(second["items"]), 1)
    fresh = admin.get("users?limit=1")["nextCursor"]
    same("a new cursor is made with the new value", fresh != page["nextCursor"], True)
    admin.send("PUT", "users/zoe", person, **{"If-Plan": foreseen["plan"]})
    rotate()
    admin.send("GET", "users?limit=1&cursor=" + page["nextCursor"], want=[400])
    same("the page after a cursor of the value before", len(admin.get("users?limit=1&cursor=" + fresh)["items"]), 1)


@scene
def written_back(stack):
    """Everything that can be read and put is put as it was read, and changed in one member by a merge patch."""
    admin = watched(stack)
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    buy(admin, **{"phone-system": 1, "device_ip_phone": 1})
    people(admin, "joe", licenses=["essential-user"])
    admin.post("assignments", {"items": [{"productId": "phone-system", "userId": "joe", "extension": "101"}]})
    admin.put("roles/r", {"name": "R"})
    admin.put("metrics/licenses/wallboards", {"max": 2})
    admin.put("wallboards/w", {"name": "W", "kind": "analytics", "userId": "joe"})
    admin.put("cart", {"lines": [{"productId": "live-reports", "quantity": 2, "costCenter": "CC-1"}]})
    held = {one["productId"]: one for one in admin.get("users/joe/licenses")["items"]}
    same("held", sorted(held), ["essential-user", "phone-system"])
    base = held["phone-system"]["id"]
    for caller, path, change in (
        (operator, admin.a, {"brand": "Another"}),
        (admin, "cost-centers/CC-1", {"name": "Another"}),
        (admin, "cart", {"lines": [{"productId": "live-reports", "quantity": 3, "costCenter": "CC-2"}]}),
        (admin, f"licenses/{base}/add-ons", {"productIds": ["device_ip_phone"]}),
        (admin, "users/joe", {"name": "Joe Doe"}),
        (admin, "roles/r", {"permissions": ["catalog.read"]}),
        (admin, "call-queues/q", {"members": ["ann", "joe"]}),
        (admin, "dashboards/d", {"name": "Another"}),
        (admin, "metrics/licenses/wallboards", {"max": 3}),
        (admin, "wallboards/w", {"name": "Another"}),
    ):
        read = caller.get(path)
        tag = caller.headers["ETag"]
        back = caller.put(path, read)
        same(f"{path} as it was read", {name: back[name] for name in read}, read)  # an answer may say more
        same(f"the ETag of {path}", caller.headers["ETag"], tag)
        changed = caller.patch(path, change)
        same(f"{path}, another ETag", caller.headers["ETag"] != tag, True)
        read = caller.get(path)
        same(f"{path}, changed", read, {name: changed[name] for name in read})
    line = admin.post("cart/lines", {"productId": "live-reports", "quantity": 1, "costCenter": "CC-1"})["lines"][-1]["id"]
    admin.patch("cart/lines/" + line, {"quantity": 5})
    same("quantities", sorted(one["quantity"] for one in admin.get("cart")["lines"]), [3, 5])
    admin.delete("cart/lines/" + line)
    quote = admin.post("quotes", {})
    same("the quote", admin.get("quotes/" + quote["id"]), quote)


def watched(stack):
    """An account with a monitored agent and somebody who views the dashboard."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 4})
    people(admin, "ann")
    people(admin, "eve", roleIds=["super-admin"])
    admin.put("call-queues/q", {"name": "Q", "members": ["ann"]})
    admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})
    return admin


def view(admin):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return admin.post("usage/views", {"events": [{"id": uuid.uuid4().hex, "userId": "eve", "dashboardId": "d", "at": now}]})


@scene
def usage_and_report(stack):
    """Views, their aggregation, the report on demand."""
    admin = watched(stack)
    same("accepted", view(admin)["accepted"], 1)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    use = {"id": uuid.uuid4().hex, "userId": "eve", "productId": "live-reports", "at": now}
    same("activity", admin.post("usage/activity", {"events": [use]})["accepted"], 1)
    stack.tick("UsageAggregationFunction")
    same("active users", admin.get("usage/summary")["activeUsers"], 2)
    same("idle seats", admin.get("idle?days=1")["total"]["seats"], 0)
    report = "reports/" + admin.post("reports", {"kind": "license-status"})["id"]
    same("a workbook", transfer(stack, state_of(stack, admin, report, "ready")["downloadUrl"])[:2], b"PK")
    admin.get("reports")


@scene
def policies_and_alerts(stack):
    """What is decided for a product, and the alert that follows from it."""
    admin = open_account(stack)
    buy(admin, **{"developer": 1})
    admin.put("policies/developer", {"lowSeats": 2})
    admin.patch("policies/developer", {"idleDays": 60})
    same("a policy", admin.get("policies/developer")["idleDays"], 60)
    same("policies", len(admin.get("policies")["items"]), 1)
    stack.maintain()
    same("an alert", admin.get("alerts?state=open")["items"][0]["kind"], "lowSeats")
    admin.delete("policies/developer")


@scene
@resumes("RECLAIM")
def reclaims(stack):
    """Seats that nobody uses are taken back, and restored."""
    admin = open_account(stack)
    people(admin, "ann")
    reclaim = "reclaims/" + admin.post("reclaims", {"productId": "developer", "days": 1, "userIds": ["ann"]})["id"]
    stack.tick("MaintenanceFunction")
    same("kept", state_of(stack, admin, reclaim, "completed")["counts"]["kept"], 1)
    same("a seat of it", admin.get(reclaim + "/seats")["items"][0]["userId"], "ann")
    admin.post(reclaim + "/undo")
    same("reclaims", len(admin.get("reclaims")["items"]), 1)


@scene
def schedules(stack):
    """A day passes: every rule invokes its function, and what is due is done."""
    admin = watched(stack)
    view(admin)
    scheduled = set(stack.schedules().values())
    same("functions with a schedule", len(scheduled), len(stack.schedules()))  # else one could hide behind another
    before = len(stack.emulator.made)
    stack.switch_rules(on=True)
    try:
        stack.emulator.let_a_day_pass()
        for function in sorted(scheduled):
            stack.eventually(f"a schedule runs {function}", lambda: any(d["function"] == function for d in stack.emulator.made[before:]))
        stack.eventually("the day is folded", lambda: admin.get("usage/summary")["activeUsers"] == 2)
        stack.eventually("the work that was handed on is done", lambda: stack.handed_on() == 0)
    finally:
        stack.switch_rules(on=False)


@scene
@resumes("VIEWER")
def resumed_view(stack):
    """A first view is taken in, and the viewer's grant is cut off; maintenance grants it, or the aggregation, on schedule or for who asks."""
    runs = (
        lambda _: stack.tick("MaintenanceFunction", after=10), lambda _: stack.tick("UsageAggregationFunction", after=10),
        lambda account: stack.ask("UsageAggregationFunction", account, after=10),
    )
    for run in runs:
        admin = watched(stack)
        with stack.cut_off("UsageFunction", f"A#{admin.account}#HOLDER#*"):
            view(admin)
        same("why", admin.get("users/eve/why?product=live-reports")["state"], "lacks")
        run(admin.account)
        same("why", admin.get("users/eve/why?product=live-reports")["state"], "holds")


@scene
def forgotten_viewer(stack):
    """Who has viewed nothing for thirty days gives the seat back: on schedule, and when a person asks for the account."""
    runs = (lambda _: stack.tick("UsageAggregationFunction", after=32 * 24 * 60), lambda account: stack.ask("UsageAggregationFunction", account, after=32 * 24 * 60))
    for run in runs:
        admin = watched(stack)
        view(admin)
        same("assigned", assigned(admin, "live-reports"), 2)
        run(admin.account)
        same("assigned", assigned(admin, "live-reports"), 1)


@scene
def purchase(stack):
    """From the catalog to the statement."""
    admin = open_account(stack)
    admin.get("/v1/catalog?category=Analytics")
    admin.put("cost-centers/CC-3", {"name": "No one's"})
    admin.delete("cost-centers/CC-3")
    same("cost centers", len(admin.get("cost-centers")["items"]), 2)
    admin.get("cost-centers/CC-1")
    line = admin.put("cart", {"lines": [{"productId": "live-reports", "quantity": 12}]})["lines"][0]["id"]
    parts = [{"quantity": 7, "costCenter": "CC-1"}, {"quantity": 5, "costCenter": "CC-2"}]
    cart = admin.post(f"cart/lines/{line}/split", {"parts": parts})
    admin.post("cart/cost-center", {"costCenter": "CC-1"})
    same("lines, merged", len(admin.post("cart/merge", {})["lines"]), 1)
    same("lines, split", len(cart["lines"]), 2)
    admin.delete("cart")
    admin.put("cart", {"lines": [{"productId": "live-reports", "quantity": 12, "costCenter": "CC-2"}]})
    admin.get("cart")
    quote = admin.post("quotes", {})
    admin.post("orders", {"quoteId": quote["id"], "acknowledged": False}, want=[422])
    order = admin.post("orders", {"quoteId": quote["id"], "acknowledged": True})
    same("licenses of the order", order["licenseCount"], 12)
    admin.get("orders")
    admin.get("orders/" + order["id"])
    for accept, start in (("text/html", b"<!"), ("application/pdf", b"%PDF-")):
        statement = admin.send("GET", f"orders/{order['id']}/statement", accept=accept)
        same("a statement", statement.lower().startswith(start.lower()), True)
    same("recurring", admin.get("billing")["recurring"]["amount"], 12 * 2500)
    period = admin.get("billing/periods/current")
    same("the period has what was due", period["total"], order["dueToday"])
    same("its lines", len(admin.get("billing/periods/current/lines")["items"]), len(period["lines"]))
    for accept, start in (("text/html", b"<!"), ("application/pdf", b"%PDF-"), ("text/csv", b"\xef\xbb\xbf")):
        statement = admin.send("GET", "billing/periods/current/statement", accept=accept)
        same("a period's statement", statement.lower().startswith(start.lower()), True)
    same("its workbook", admin.send("GET", "billing/periods/current/workbook").startswith(b"PK"), True)
    days = admin.get("billing/periods/current/lines/" + period["lines"][0]["id"])["days"]
    beside = admin.get("billing/periods/current/differences")
    same("the snapshot of today", beside["snapshot"]["amount"], 12 * 2500)
    same("the difference", sum(one["difference"]["amount"] for one in beside["items"]), beside["difference"]["amount"])
    same("licenses of the day", len(days[0]["licenseIds"]), period["lines"][0]["quantity"])
    same("licenses of several commits", buy(admin, **{"live-reports": 150})["licenseCount"], 150)
    admin.put("users/ann", {"name": "Ann"})
    # Seats that people wait for are handed out by the order that brings them.
    admin.put("call-queues/q", {"name": "Q", "members": ["ann"]})
    admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})
    same("assigned", assigned(admin, "live-reports"), 1)


@scene
def handing_out(stack):
    """Seats are handed out, moved, taken back and ended, one by one and many at once; the lists and the audit log show it."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 6, "phone-system": 3, "device_ip_phone": 2, "call_recording": 2})
    people(admin, "ann", "bob", "eve")
    ids = [item["id"] for item in admin.get("licenses?product=live-reports&status=available")["items"]]
    one = "licenses/" + ids[0]
    admin.post(one + "/assign", {"userId": "ann"})
    admin.post(one + "/terminate", want=[409])
    admin.post(one + "/reassign", {"userId": "bob"})
    admin.post(one + "/unassign")
    admin.get(one)
    admin.patch(one, {"costCenter": "CC-2"})
    items = [{"productId": "phone-system", "userId": "ann", "extension": "101"}, {"productId": "live-reports", "userId": "eve"}]
    same("assigned", admin.post("assignments", {"items": items})["succeeded"], 2)
    base = admin.get("licenses?user=ann&product=phone-system")["items"][0]["id"]
    admin.put(f"licenses/{base}/add-ons", {"productIds": ["device_ip_phone", "call_recording"]})
    same("add-ons", len(admin.get(f"licenses/{base}/add-ons")["items"]), 2)
    admin.post(f"licenses/{base}/reassign", {"userId": "bob"})
    same("removed", admin.post("assignments/remove", {"items": [{"productId": "phone-system", "userId": "bob"}]})["succeeded"], 1)
    admin.post("licenses/cost-center", {"licenseIds": ids[1:3], "costCenter": "CC-2"})
    admin.post(f"licenses/{ids[3]}/terminate", want=[200, 409])
    admin.post("licenses/terminate", {"licenseIds": ids[4:]})
    for query in ("", "?q=eve", "?q=101", "?status=available&costCenter=CC-2", "?user=eve", "?extension=101", "?base=phone-system"):
        admin.get("licenses" + query)
    admin.put("call-queues/q", {"name": "Q", "members": ["ann", "bob", "eve"]})
    admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})
    held = admin.get("licenses?user=eve&product=live-reports")["items"][0]["id"]
    admin.post(f"licenses/{held}/unassign")
    same("excluded", [x["userId"] for x in admin.get("exclusions")["items"]], ["eve"])
    admin.delete("exclusions/live-reports/eve")
    admin.get("waiting")
    for query in ("", f"?license={ids[0]}", "?user=ann", "?actor=ada"):
        if not admin.get("audit" + query)["items"]:
            raise Failed(f"audit{query} is empty")


@scene
def fences(stack):
    """A seat goes to who belongs to its cost center first, and a fenced one to nobody else."""
    admin = open_account(stack)
    admin.patch("cost-centers/CC-2", {"fenced": True})
    people(admin, "ann", costCenter="CC-2")
    people(admin, "bob")
    admin.put("call-queues/q", {"name": "Q", "members": ["ann"]})
    admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})
    buy(admin, **{"live-reports": 1})  # none is of her cost center, and nobody else waits
    same("assigned", assigned(admin, "live-reports"), 1)
    lines = [{"productId": "live-reports", "quantity": 1, "costCenter": "CC-2"}]
    admin.post("orders", {"quoteId": admin.post("quotes", {"lines": lines})["id"], "acknowledged": True})
    bob = {"items": [{"productId": "live-reports", "userId": "bob"}]}
    same("given in spite of the fence", admin.post("assignments", bob)["succeeded"], 0)
    admin.patch("cost-centers/CC-2", {"fenced": False})
    same("given without it", admin.post("assignments", bob)["succeeded"], 1)
    # Of forty a request reads some, and the index names those of a cost center.
    buy(admin, developer=40, **dict.fromkeys(PHONE, 1))
    same("given of another's", admin.post("assignments", {"items": [{"productId": "developer", "userId": "ann"}]})["succeeded"], 1)
    job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "Ann")))
    state_of(stack, admin, job, "ready")
    admin.post(job + "/configure")
    state_of(stack, admin, job, "completed")
    people(admin, "eve", costCenter="CC-2")
    admin.put("call-queues/q", {"name": "Q", "members": ["ann", "eve"]})
    same("waiting", len(admin.get("waiting")["items"]), 1)
    buy(admin, **{"live-reports": 40})
    same("waiting, with seats", len(admin.get("waiting")["items"]), 0)


@scene
def by_roles(stack):
    """Somebody whose token leaves the permissions to the directory may do what their role allows, in each function, until it does not."""
    admin = open_account(stack)
    order = buy(admin, **{"live-reports": 1})
    admin.put("users/sue", {"name": "Sue", "roleIds": ["super-admin"]})
    admin.put("users/rob", {"name": "Rob", "roleIds": ["super-admin"]})
    rob = Client(stack, admin.account, "rob", ROLES)
    rob.put("users/ann", {"name": "Ann"})
    rob.post("assignments", {"items": [{"productId": "live-reports", "userId": "ann"}]})
    rob.post("licenses/" + rob.get("licenses?user=ann")["items"][0]["id"] + "/unassign")
    rob.post("quotes", {"lines": [{"productId": "live-reports", "quantity": 1, "costCenter": "CC-1"}]})
    rob.put("metrics/licenses/wallboards", {"max": 3})
    rob.put("policies/live-reports", {"lowSeats": 1})
    rob.post("reports", {"kind": "license-status"})
    state_of(stack, rob, upload(stack, rob, "mass-configurations", "phones.csv", phones(("101", "6567891230", "ann"))), "ready", "rejected")
    rob.send("GET", f"orders/{order['id']}/statement", accept="application/pdf")
    rob.send("GET", "mass-configurations/template?format=xlsx&filled=true")
    rob.get("audit")
    admin.put("users/rob", {"name": "Rob", "roleIds": []})
    rob.get("users", want=[403])
    rob.post("reports", {"kind": "license-status"}, want=[403])


@scene
def mass_configuration(stack):
    """A file by a presigned URL, its check, its configuration, its result, its undoing."""
    admin = open_account(stack)
    buy(admin, **dict.fromkeys(PHONE, 3))
    people(admin, "john", "alice", "lucie")
    if not admin.send("GET", "mass-configurations/template?format=xlsx").startswith(b"PK"):
        raise Failed("the sample is no workbook")
    job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "John"), ("102", "6567891231", "Alice")))
    same("new rows", state_of(stack, admin, job, "ready")["counts"]["new"], 2)
    same("rows", len(admin.get(job + "/rows")["items"]), 2)
    admin.post(job + "/configure")
    done = state_of(stack, admin, job, "completed")
    same("rows of the result", transfer(stack, done["resultUrl"]).decode().count("configured"), 2)
    same("phones", assigned(admin, "phone-system"), 2)
    undo = "mass-configurations/" + admin.post(job + "/undo")["id"]
    state_of(stack, admin, undo, "ready")
    admin.post(undo + "/configure")
    state_of(stack, admin, undo, "completed")
    same("phones, undone", assigned(admin, "phone-system"), 0)
    other = upload(stack, admin, "mass-configurations", "more.csv", phones(("103", "6567891232", "Lucie")))
    state_of(stack, admin, other, "ready")
    admin.post(other + "/cancel")
    state_of(stack, admin, other, "cancelled")
    wrong = upload(stack, admin, "mass-configurations", "wrong.csv", phones(("103", "6567891232", "Nobody")))
    transfer(stack, state_of(stack, admin, wrong, "rejected")["resultUrl"])
    admin.get("mass-configurations")


@scene
def imports(stack):
    """People, queues and dashboards by files."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 3})
    for kind, text, rows in (
        ("users", PEOPLE + "ann,Ann,ann@x.test,,,,\nbob,Bob,bob@x.test,,,,\n", 2),
        ("call-queues", "Call queue,Name,Member 1,Member 2\nq,Q,ann,bob\n", 1),
        ("dashboards", "Dashboard,Name,Call queue 1\nd,D,q\n", 1),
    ):
        admin.send("GET", f"imports/template?kind={kind}")
        job = upload(stack, admin, "imports", kind + ".csv", text, kind=kind)
        same("new rows", state_of(stack, admin, job, "ready")["counts"]["new"], rows)
        admin.get(job + "/rows")
        admin.post(job + "/apply")
        transfer(stack, state_of(stack, admin, job, "completed")["resultUrl"])
    job = upload(stack, admin, "imports", "more.csv", PEOPLE + "eve,Eve,,,,,\n", kind="users")
    state_of(stack, admin, job, "ready")
    admin.post(job + "/cancel")
    state_of(stack, admin, job, "cancelled")
    admin.get("imports")
    same("seats of the queue", assigned(admin, "live-reports"), 2)


@scene
def file_drop(stack):
    """A file that is dropped configures itself; one of nobody's is put aside."""
    admin = open_account(stack)
    buy(admin, **dict.fromkeys(PHONE, 1))
    people(admin, "john")
    s3, bucket = stack.emulator.client("s3"), stack.resources["UploadsBucket"]
    s3.put_object(Bucket=bucket, Key=f"drops/{admin.account}/phones of monday.csv", Body=phones(("101", "6567891230", "John")).encode())

    def configured():
        jobs = admin.get("mass-configurations")["items"]
        return [j for j in jobs if j["state"] == "completed"]

    same("source", stack.eventually("the dropped file is configured", configured)[0]["source"], "drop")
    same("phones", assigned(admin, "phone-system"), 1)
    # Tickets and uploads that nobody asked for, one for each way in.
    for key in ("drops/no-such-account/x.csv", f"uploads/{admin.account}/stranger/x.csv", f"jobs/configure/{admin.account}/{uuid.uuid4()}.json"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    # Operators read why, where the runbook sends them.
    operator = Client(stack, "provider", "olga", ["accounts.manage", "audit.read"])
    stack.eventually("the dropped file of nobody is put aside", lambda: any(
        entry["after"].get("key") == "drops/no-such-account/*.csv" for entry in operator.get("/v1/accounts/-/audit?action=object.putAside")["items"]
    ))


@scene
def directory(stack):
    """People, roles, queues and dashboards come, change and go."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 4})
    admin.put("roles/watcher", {"name": "Watcher", "permissions": ["liveReports.view"], "licenses": ["essential-user"]})
    people(admin, "ann", "bob")
    people(admin, "eve", roleIds=["watcher"], extension="105", number="6567891235")
    admin.put("call-queues/q", {"name": "Q", "members": ["ann", "bob"]})
    grants = admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})["grants"]
    same("granted", grants["granted"], 2)
    same("why", admin.get("users/ann/why?product=live-reports")["state"], "holds")
    for path in ("users", "users?q=ann", "users/ann", "roles", "roles/watcher", "call-queues", "call-queues/q", "call-queues?user=ann", "dashboards", "dashboards/d"):
        admin.get(path)
    admin.put("roles/watcher", {"name": "Watcher", "permissions": [], "licenses": ["professional-user"]})
    people(admin, "eve", extension="106")
    people(admin, "bob", active=False)
    same("assigned", assigned(admin, "live-reports"), 1)
    people(admin, "bob", active=True)
    same("assigned", assigned(admin, "live-reports"), 2)
    admin.delete("users/bob")
    admin.put("call-queues/q", {"name": "Q", "members": ["eve"]})
    admin.delete("dashboards/d")
    admin.delete("call-queues/q")
    same("assigned", assigned(admin, "live-reports"), 0)
    admin.put("roles/plain", {"name": "Plain"})
    admin.delete("roles/plain")
    admin.post("users/ann/invite", want=[409])  # the stack of the scenes names another provider; that with a user pool invites


@scene
def bundle(stack):
    """An account gets unlimited Live Reports, which gives its seats back, and loses them again."""
    admin = watched(stack)
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    settings = {"name": "E", "brand": "B", "currency": "USD", "timezone": "UTC", "billingDay": 2}
    for name, seats in (("customer-engagement", 0), ("standard", 1)):
        operator.put(admin.a, settings | {"bundle": name})
        same("assigned", assigned(admin, "live-reports"), seats)
    unused = open_account(stack)
    operator.put(unused.a, settings | {"currency": "EUR", "bundle": "standard"})


@scene
def metrics(stack):
    """Wallboards and their maximum."""
    admin = open_account(stack)
    people(admin, "ann", licenses=["essential-user"])
    admin.put("metrics/licenses/wallboards", {"max": 2})
    board = {"name": "Lobby", "kind": "analytics", "userId": "ann"}
    admin.put("wallboards/lobby", board)
    admin.put("wallboards/lobby", board | {"name": "Hall"})
    same("wallboards", len(admin.get("wallboards")["items"]), 1)
    admin.get("metrics/licenses")
    admin.delete("wallboards/lobby")


@scene
@resumes("REQUEST")
def requests(stack):
    """People ask for a product; one is denied, one withdraws, one gets a free seat, and one is served once there is a seat."""
    admin = open_account(stack)
    people(admin, "ann", "bob", "cat", "dan")
    paths = {}
    for user in ("ann", "bob", "cat", "dan"):
        asks = Client(stack, admin.account, user, [])
        paths[user] = "requests/" + asks.post("requests", {"productId": "live-reports", "reason": "I look after a queue"})["id"]
        same("own requests", len(asks.get("requests")["items"]), 1)
        same("can be asked for", "live-reports" in [p["id"] for p in asks.get("requests/products")["items"]], True)
    same("denied", admin.post(paths["cat"] + "/deny", {"note": "Not now"})["state"], "denied")
    Client(stack, admin.account, "dan", []).post(paths["dan"] + "/withdraw", None)
    same("without a seat", admin.post(paths["bob"] + "/approve", None)["state"], "approved")
    buy(admin, **{"live-reports": 2})
    same("with a seat", admin.post(paths["ann"] + "/approve", None)["state"], "fulfilled")
    stack.tick("MaintenanceFunction", after=10)
    same("served", admin.get(paths["bob"])["state"], "fulfilled")
    same("assigned", assigned(admin, "live-reports"), 2)
    same("open requests", admin.get("requests?state=open")["items"], [])


@scene
def report_on_schedule(stack):
    """The report of a billing period that is over for 48 hours is asked for by the schedule, and built."""
    admin = watched(stack)
    now = datetime.datetime.now(datetime.timezone.utc)
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    operator.patch(admin.a, {"costCenter": "CC-1"})  # or who waited would keep the period from being closed
    month = now.year * 12 + now.month  # the next one, counted from 0
    due = datetime.datetime(month // 12, month % 12 + 1, 4, 12, tzinfo=datetime.timezone.utc)  # its first day is a billing date
    stack.tick("ReportBuilderFunction", after=(due - now).total_seconds() / 60)
    stack.eventually("the account has its report", lambda: any(r["state"] == "ready" for r in admin.get("reports")["items"]))
    closed = lambda: [p["from"] for p in admin.get("billing/periods")["items"] if p["state"] == "closed"]
    stack.eventually("the period is closed", closed)
    correction = {"corrects": closed()[0], "amount": {"amount": -100, "currency": "USD"}, "reason": "goodwill"}
    operator.post(admin.a + "/billing/corrections", correction)


@scene
@resumes("ORDER")
def resumed_order(stack):
    """An order of several commits is cut off before it is confirmed; maintenance places it."""
    admin = open_account(stack)
    with stack.cut_off("PurchaseFunction", f"A#{admin.account}#CONFIRMED*"):
        lines = [{"productId": "live-reports", "quantity": 150, "costCenter": "CC-1"}]
        quote = admin.post("quotes", {"lines": lines})
        admin.post("orders", {"quoteId": quote["id"], "acknowledged": True}, want=[500])
        # The alarm on answered errors waits for the one line, and the runbook leads from it to the other, by the request's id.
        counted = stack.eventually("the 500 is counted", lambda: stack.emulator.logged(r'"Errors":1,.*"route":"POST [^"]*/orders","status":500'))
        request = json.loads(counted[-1])["requestId"]
        stack.eventually("the log says why", lambda: stack.emulator.logged('"level":"ERROR".*"requestId":"' + request))
        same("orders", [o["state"] for o in admin.get("orders")["items"]], ["placing"])
    same("licenses", admin.get("licenses")["items"], [])
    stack.tick("MaintenanceFunction", after=10)
    same("orders", [o["state"] for o in admin.get("orders")["items"]], ["placed"])


@scene
@resumes("QUEUE")
def resumed_queue(stack):
    """A queue comes to a dashboard, and its members' grants are cut off."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 4})
    people(admin, "ann", "bob")
    admin.put("call-queues/q", {"name": "Q", "members": ["ann", "bob"]})
    with stack.cut_off("DirectoryFunction", f"A#{admin.account}#HOLDER#*"):
        admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]}, want=[200, 201, 500])
        same("assigned", assigned(admin, "live-reports"), 0)
    stack.tick("MaintenanceFunction", after=10)
    same("assigned", assigned(admin, "live-reports"), 2)


@scene
@resumes("ROLE")
def resumed_role(stack):
    """A role begins to carry a product, and what its users get is cut off."""
    admin = open_account(stack)
    admin.put("roles/r", {"name": "R"})
    people(admin, "ann", roleIds=["r"])
    with stack.cut_off("DirectoryFunction", f"A#{admin.account}#HOLDER#*"):
        admin.put("roles/r", {"name": "R", "licenses": ["essential-user"]}, want=[200, 500])
    stack.tick("MaintenanceFunction", after=10)
    same("why", admin.get("users/ann/why?product=essential-user")["state"], "holds")


@scene
@resumes("USER")
def resumed_user(stack):
    """Somebody who was away comes back, and the grants of their queue are cut off; a deleted one is taken off the queue."""
    admin = open_account(stack)
    buy(admin, **{"live-reports": 4})
    people(admin, "ann", "bob")
    admin.put("call-queues/q", {"name": "Q", "members": ["ann", "bob"]})
    admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})
    people(admin, "ann", active=False)
    same("assigned", assigned(admin, "live-reports"), 1)
    with stack.cut_off("DirectoryFunction", f"A#{admin.account}#MONITORED*", f"A#{admin.account}#FREE#*"):
        admin.put("users/ann", {"name": "Ann", "active": True}, want=[200, 500])
    same("ann", admin.get("users/ann/why?product=live-reports")["state"], "lacks")
    with stack.cut_off("DirectoryFunction", f"A#{admin.account}#QUEUE-MEMBERS#*"):
        admin.send("DELETE", "users/bob", want=[204, 500])
    same("members", admin.get("call-queues/q")["members"], ["ann", "bob"])
    stack.tick("MaintenanceFunction", after=10)
    same("ann", admin.get("users/ann/why?product=live-reports")["state"], "holds")
    same("members", admin.get("call-queues/q")["members"], ["ann"])


@scene
@resumes("BUNDLE")
def resumed_bundle(stack):
    """The bundle of an account changes, and the seats that it frees are cut off."""
    admin = watched(stack)
    same("assigned", assigned(admin, "live-reports"), 1)
    operator = Client(stack, "provider", "olga", ["accounts.manage"])
    settings = {"name": "E", "brand": "B", "currency": "USD", "timezone": "America/New_York", "billingDay": 1, "bundle": "customer-engagement"}
    with stack.cut_off("AccountsFunction", f"A#{admin.account}#HOLDER#*"):
        operator.put(admin.a, settings, want=[200, 500])
    stack.tick("MaintenanceFunction", after=10)
    same("assigned", assigned(admin, "live-reports"), 0)


@scene
@resumes("WAITING")
def resumed_waiting(stack):
    """Seats are bought that people wait for, and handing them out is cut off."""
    admin = open_account(stack)
    people(admin, "ann")
    admin.put("call-queues/q", {"name": "Q", "members": ["ann"]})
    admin.put("dashboards/d", {"name": "D", "queueIds": ["q"]})
    same("waiting", len(admin.get("waiting")["items"]), 1)
    with stack.cut_off("PurchaseFunction", f"A#{admin.account}#HOLDER#*"):
        lines = [{"productId": "live-reports", "quantity": 2, "costCenter": "CC-1"}]
        admin.post("orders", {"quoteId": admin.post("quotes", {"lines": lines})["id"], "acknowledged": True}, want=[201, 500])
    stack.maintain(after=10)
    same("assigned", assigned(admin, "live-reports"), 1)


@scene
@resumes("REPORT")
def resumed_report(stack):
    """The builder cannot begin with a report and gives its event up; maintenance hands it over again once it is overdue."""
    admin = watched(stack)
    given_up = stack.failed_events()
    with stack.cut_off("ReportBuilderFunction", f"A#{admin.account}#REPORTS"):
        report = "reports/" + admin.post("reports", {"kind": "license-status"})["id"]
        stack.eventually("the event is given up", lambda: stack.failed_events() > given_up)
    same("state", admin.get(report)["state"], "queued")
    stack.tick("MaintenanceFunction", after=6)
    state_of(stack, admin, report, "ready")


@scene
def resumed_check(stack):
    """The check of a file cannot read it, twice, and pauses; the schedule of the workers checks it."""
    admin = open_account(stack)
    people(admin, "john")
    buy(admin, **dict.fromkeys(PHONE, 1))
    with stack.cut_off("MassConfigurationCheckFunction", action="s3:GetObjectVersion") as refusals:
        job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "John")))
        stack.eventually("it was tried again", lambda: refusals() > 1)
    same("state", admin.get(job)["state"], "checking")
    stack.tick("MassConfigurationApplyFunction", after=5)
    state_of(stack, admin, job, "ready")


@scene
@resumes("MASSCONFIG")
def resumed_configuration(stack):
    """A worker cannot configure and gives its ticket up; its schedule goes on."""
    admin = open_account(stack)
    people(admin, "john")
    buy(admin, **dict.fromkeys(PHONE, 1))
    job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "John")))
    state_of(stack, admin, job, "ready")
    given_up = stack.failed_events()
    with stack.cut_off("MassConfigurationApplyFunction", f"A#{admin.account}#HOLDER#*"):
        admin.post(job + "/configure")
        stack.eventually("the ticket is given up", lambda: stack.failed_events() > given_up)
    same("state", admin.get(job)["state"], "configuring")
    stack.tick("MassConfigurationApplyFunction", after=5)
    state_of(stack, admin, job, "completed")


@scene
def event_delivered_late(stack):
    """The event of an upload comes again while its configuration is cut off, and the function of the check goes on with it."""
    admin = open_account(stack)
    people(admin, "john")
    buy(admin, **dict.fromkeys(PHONE, 1))
    job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "John")))
    state_of(stack, admin, job, "ready")
    # Its ticket is never written, so no worker has tried yet, and none has to pause.
    with stack.cut_off("MassConfigurationFunction", action="s3:PutObject"):
        admin.post(job + "/configure")
    same("state", admin.get(job)["state"], "configuring")
    stack.deliver("MassConfigurationCheckFunction", "UploadsBucket", f"uploads/{admin.account}/")
    state_of(stack, admin, job, "completed")
    same("phones", assigned(admin, "phone-system"), 1)


@scene
def resumed_drop(stack):
    """The check of a dropped file cannot read it; the schedule of the workers checks it, and hands it on to be configured."""
    admin = open_account(stack)
    people(admin, "john")
    buy(admin, **dict.fromkeys(PHONE, 1))
    with stack.cut_off("MassConfigurationCheckFunction", action="s3:GetObjectVersion") as refusals:
        stack.emulator.client("s3").put_object(
            Bucket=stack.resources["UploadsBucket"], Key=f"drops/{admin.account}/x.csv", Body=phones(("101", "6567891230", "John")).encode(),
        )
        stack.eventually("it was tried again", lambda: refusals() > 1)
    job = "mass-configurations/" + admin.get("mass-configurations")["items"][0]["id"]
    stack.tick("MassConfigurationApplyFunction", after=5)
    state_of(stack, admin, job, "completed")


@scene
def upload_without_event(stack):
    """Of one upload the event is lost, and of one the file never comes: the schedule takes in the one and ends the other."""
    admin = open_account(stack)
    people(admin, "john")
    buy(admin, **dict.fromkeys(PHONE, 1))
    given_up = stack.failed_events()
    with stack.cut_off("MassConfigurationCheckFunction", f"A#{admin.account}#MASSCONFIG*"):
        job = upload(stack, admin, "mass-configurations", "phones.csv", phones(("101", "6567891230", "John")))
        stack.eventually("the event is given up", lambda: stack.failed_events() > given_up)
    never = "mass-configurations/" + admin.post("mass-configurations", {"fileName": "x.csv", "sizeBytes": 99})["id"]
    stack.tick("MassConfigurationApplyFunction", after=30)
    state_of(stack, admin, job, "ready")
    same("the one that never came", admin.get(never)["state"], "cancelled")


@scene
@resumes("EXPORT")
def exports(stack):
    """What there is comes out as files; one whose worker is cut off is finished by the schedule."""
    admin = watched(stack)
    buy(admin, **dict.fromkeys(PHONE, 1))
    admin.post("assignments", {"items": [{"productId": "phone-system", "userId": "ann", "extension": "101"}]})
    for kind in ("users", "call-queues", "dashboards", "licenses", "phones"):
        job = "exports/" + admin.post("exports", {"kind": kind, "format": "csv"})["id"]
        if len(transfer(stack, state_of(stack, admin, job, "ready")["downloadUrl"]).splitlines()) < 2:
            raise Failed(f"the export of {kind} is empty")
    listed = admin.get("exports")["items"]
    same("exports, newest first", [e["kind"] for e in listed],
         ["phones", "licenses", "dashboards", "call-queues", "users"])
    if len(transfer(stack, listed[0]["downloadUrl"]).splitlines()) < 2:
        raise Failed("the newest export is empty")
    if b"101" not in admin.send("GET", "mass-configurations/template?format=csv&filled=true"):
        raise Failed("the filled file shows no phone")
    given_up = stack.failed_events()
    with stack.cut_off("MassConfigurationApplyFunction", f"A#{admin.account}#EXPORT"):
        job = "exports/" + admin.post("exports", {"kind": "users", "format": "xlsx"})["id"]
        stack.eventually("the ticket is given up", lambda: stack.failed_events() > given_up)
    same("state", admin.get(job)["state"], "queued")
    stack.tick("MassConfigurationApplyFunction", after=5)
    state_of(stack, admin, job, "ready")


@scene
@resumes("IMPORT")
def resumed_import(stack):
    """The same of an import."""
    admin = open_account(stack)
    job = upload(stack, admin, "imports", "users.csv", PEOPLE + "ann,Ann,,,,,\n", kind="users")
    state_of(stack, admin, job, "ready")
    with stack.cut_off("MassConfigurationApplyFunction", f"A#{admin.account}#USERS") as refusals:
        admin.post(job + "/apply")
        stack.eventually("it was tried again", lambda: refusals() > 1)
    stack.tick("MassConfigurationApplyFunction", after=5)
    state_of(stack, admin, job, "completed")
    admin.get("users/ann")
