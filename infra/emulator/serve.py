"""The emulator as a process of the job's own, with what the job needs of it beyond what it has.

- Each decision of its IAM is a line of JSON in the file that DECISIONS names: who, what, on what, allowed or not. By
  these lines the job finds a call that was refused, and a permission that nothing uses.
- A request of DynamoDB carries dynamodb:LeadingKeys, as in AWS, so that the job can cut a function off between two
  commits by refusing it one kind of key.
- Reading lines of a log asks for its ARN with :* at its end, as in AWS.
- Sending a batch of messages asks for the permission of sending one, as in AWS.
- An alarm on the arithmetic of metrics is taken as one on the first of them: it never rings here, as those on one metric do.
- The name of a bucket that a creation imports is no conflict.
- The look of sign-in pages is taken, and shown to nobody.
- What becomes of an event that fails is what the alias says that it was sent to, not what nothing says of the version.
- How traffic is to be shifted is taken, and done by nobody: an alias leads to a new version at once.
- The resource whose logical id is in the file that REFUSED names is not created, so that a creation fails late.
- The events of API Gateway name the domain of DOMAIN, which resolves here; the emulator's own does not.
- It speaks HTTP/1.1 only, as DynamoDB and S3 do. The HTTP/2 of its server (hypercorn 0.18) says farewell within the
  1,002nd request of a connection and then never answers that request, so that a function waits until its time is up.
- SIGUSR1 lets a day pass for the schedules: each rule fires once, with its own event and its own target.
"""

import json
import os
import pathlib
import signal
import threading

import hypercorn.config
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners, stacks

decide = iam_evaluator.enforce
context = iam_actions.dynamodb_service_context
alarm_record = provisioners._cw_metric_alarm_record
validation_errors = stacks._validation_errors
invoke = lambda_runtime.ProvidedWorker.invoke
retry = lambda_svc.invoke_async_with_retry
lock = threading.Lock()
refused = pathlib.Path(os.environ["REFUSED"])
decisions = open(os.environ["DECISIONS"], "a", encoding="utf-8", buffering=1)  # open while the process lives


def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
    if iam_action == "logs:FilterLogEvents":
        resource_arn += ":*"
    iam_action = {"sqs:SendMessageBatch": "sqs:SendMessage"}.get(iam_action, iam_action)
    refusal = decide(access_key_id, iam_action, service, region, resource_arn, service_context)
    keys = (service_context or {}).get("dynamodb:LeadingKeys", [])
    line = {"caller": iam_evaluator.caller_arn(), "action": iam_action, "resource": resource_arn, "keys": keys[:3], "allowed": refusal is None}
    with lock:
        print(json.dumps(line), file=decisions)
    return refusal


def leading_keys(node):
    """Yields the partition keys that a request names, wherever they stand."""
    if isinstance(node, dict):
        if isinstance(node.get("pk"), dict) and "S" in node["pk"]:
            yield node["pk"]["S"]
        for member in node.values():
            yield from leading_keys(member)
    elif isinstance(node, list):
        for member in node:
            yield from leading_keys(member)


def with_leading_keys(body):
    found = context(body)
    try:
        keys = list(dict.fromkeys(leading_keys(json.loads(body or b"{}"))))
    except ValueError:
        return found
    return {**found, "dynamodb:LeadingKeys": keys} if keys else found


def simple_alarm(name, props):
    metrics = [m["MetricStat"] for m in props.get("Metrics") or [] if "MetricStat" in m]
    if metrics:
        props = {k: v for k, v in props.items() if k != "Metrics"} | metrics[0]["Metric"] | {"Period": metrics[0]["Period"], "Statistic": metrics[0]["Stat"]}
    return alarm_record(name, props)


def conflicts(resources, *more, **named):
    def imported(error):
        logical_id, _, check, _, _ = error
        # Only a name in plain text is imported, and template.yaml has none.
        return check == "NAME_CONFLICT_VALIDATION" and isinstance(resources[logical_id]["Properties"]["BucketName"], str)

    return [error for error in validation_errors(resources, *more, **named) if not imported(error)]


def refusing(create):
    def made(logical_id, *rest):
        if refused.exists() and refused.read_text() == logical_id:
            raise ValueError("Warnings found during import (so the job wanted it)")
        return create(logical_id, *rest)

    return made


def at_domain(self, event, *more, **named):
    if isinstance(event, dict) and "domainName" in event.get("requestContext", {}):
        event = {**event, "requestContext": event["requestContext"] | {"domainName": os.environ["DOMAIN"]}}
    return invoke(self, event, *more, **named)


def taken(logical_id, *_):
    return logical_id, {}


def by_its_alias(func, event):
    settings = lambda_svc._functions[func["config"]["FunctionName"]]["event_invoke_configs"]
    retry({**func, "event_invoke_config": next(iter(settings.values()), None)}, event)


def pass_a_day(*_):
    def fire():
        for account, region, rule in list(eventbridge._rules._data):
            eventbridge._rule_last_fired[account, region, rule] = eventbridge._now_ts() - 25 * 3600
        eventbridge._tick_scheduled_rules()

    threading.Thread(target=fire).start()


iam_evaluator.enforce = enforce
iam_actions.dynamodb_service_context = with_leading_keys
provisioners._cw_metric_alarm_record = simple_alarm
for kind in ("AWS::Cognito::ManagedLoginBranding", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"):
    provisioners._RESOURCE_HANDLERS[kind] = {"create": taken, "delete": taken}
for handler in provisioners._RESOURCE_HANDLERS.values():
    if "create" in handler:
        handler["create"] = refusing(handler["create"])
stacks._validation_errors = conflicts
lambda_runtime.ProvidedWorker.invoke = at_domain
lambda_svc.invoke_async_with_retry = by_its_alias
hypercorn.config.Config.alpn_protocols = ["http/1.1"]
app._port_is_bindable = lambda *_: False  # It would listen at port 443 too, for Cognito.
signal.signal(signal.SIGUSR1, pass_a_day)
app.main()
