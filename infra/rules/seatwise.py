"""Rules of our own for cfn-lint (docs/design.md, design, decision 13): what AWS and cfn-lint accept, and Seatwise does not.

`cfn-lint --append-rules infra/rules` takes them in. They read SAM's own resources, as template.yaml has them and with Globals merged in, and the plain
resources that would do the same. Each has templates in refused/ that it alone refuses; _check.py holds that.
"""

import re

from cfnlint.rules import CloudFormationLintRule, RuleMatch

SERVERLESS = "AWS::Serverless::Function"
LAMBDA = "AWS::Lambda::Function"

# Whoever asks for these routes needs no token: docs/contract.md, "GET /v1/health: no token", and the document with its page. $default and OPTIONS answer what no route takes,
# and nothing else: a browser's preflight carries no token, and an unknown path is a 404 for everybody. Nothing else goes without.
OPEN_ROUTES = {
    ("GET", "/v1/health"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/openapi.yaml"),
    ("GET", "/docs"),
    ("GET", "/docs/{file}"),
    # Pages of the console, which has a session of its own and sends its token to the API.
    ("GET", "/"),
    ("GET", "/console"),
    ("GET", "/console/{proxy+}"),
    ("POST", "/console/{proxy+}"),
    ("ANY", "$default"),
    ("OPTIONS", "/{proxy+}"),
}


def values(node, path):
    """Yields the value and where it stands; for a list its members, for an Fn::If its branches."""
    if isinstance(node, list):
        for i, member in enumerate(node):
            yield from values(member, path + [i])
    elif isinstance(node, dict) and list(node) == ["Fn::If"] and len(node["Fn::If"]) == 3:
        for i in (1, 2):
            yield from values(node["Fn::If"][i], path + ["Fn::If", i])
    elif node != {"Ref": "AWS::NoValue"}:
        yield node, path


def resources(cfn, *types):
    """Yields name, properties and path of the resources of these types."""
    for name, resource in cfn.get_resources(list(types)).items():
        yield name, resource.get("Properties") or {}, ["Resources", name, "Properties"]


def at(node, *keys):
    """Follows the keys as far as they go; None where they end."""
    for key in keys:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def true(node):
    return node is True or node == "true"


def target(node):
    """The logical id that a Ref or a GetAtt names, however it is written; None for anything else."""
    if not isinstance(node, dict):
        return None
    if isinstance(node.get("Ref"), str):
        return node["Ref"]
    get = node.get("Fn::GetAtt")
    if isinstance(get, list) and get:
        return get[0]
    if isinstance(get, str):
        return get.split(".")[0]
    sub = node.get("Fn::Sub")
    if isinstance(sub, str) and (whole := re.fullmatch(r"\$\{(\w+)(\.\w+)?\}", sub)):
        return whole[1]
    return None


def is_a(cfn, node, resource_type):
    """Tells whether the node refers to a resource of this type in this template."""
    return at(cfn.template, "Resources", target(node), "Type") == resource_type


LISTS = ("s3:ListBucket", "s3:ListBucketVersions")  # of a whole bucket, told by its name


class NarrowPolicies(CloudFormationLintRule):
    id = "E9101"
    shortdesc = "A policy reaches no further than one table or one prefix of a bucket"
    description = (
        "Every statement that allows names its actions one by one, and resources without a wildcard but for the indexes of a table and what lies under"
        " a prefix of a bucket. s3:ListBucket alone may name a whole bucket: without it S3 answers 403 for an object that is missing."
    )
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
    tags = ["seatwise", "iam"]

    def match(self, cfn):
        matches = []
        for _, props, path in resources(cfn, SERVERLESS):
            for policy, where in values(props.get("Policies", []), path + ["Policies"]):
                matches += self.policy(policy, where)
        for _, props, path in resources(cfn, "AWS::IAM::Role"):
            for policy, where in values(props.get("Policies", []), path + ["Policies"]):
                matches += self.policy(at(policy, "PolicyDocument"), where + ["PolicyDocument"])
            for arn, where in values(props.get("ManagedPolicyArns", []), path + ["ManagedPolicyArns"]):
                matches += self.policy(arn, where)
        for _, props, path in resources(cfn, "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            matches += self.policy(props.get("PolicyDocument"), path + ["PolicyDocument"])
        return matches

    def policy(self, policy, path):
        if not isinstance(policy, dict) or "Statement" not in policy:
            return [RuleMatch(path, "Write the policy out as statements: what a managed policy or a policy template allows cannot be judged here")]
        found = []
        for statement, where in values(policy["Statement"], path + ["Statement"]):
            if statement.get("Effect") == "Allow":
                found += self.statement(statement, where)
        return found

    def statement(self, statement, path):
        for key in ("NotAction", "NotResource"):
            if key in statement:
                return [RuleMatch(path + [key], f"{key} allows all that it does not name")]
        found = []
        actions = list(values(statement.get("Action", []), path + ["Action"]))
        for action, where in actions:
            if not isinstance(action, str) or not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action):
                found.append(RuleMatch(where, f"{action} is more than one action"))
        if found:
            return found
        for resource, where in values(statement.get("Resource", []), path + ["Resource"]):
            for action, _ in actions:
                if reason := self.too_wide(action, resource):
                    found.append(RuleMatch(where, f"{action}: {reason}"))
                    break
        return found

    def too_wide(self, action, resource):
        arn = at(resource, "Fn::Sub") if isinstance(resource, dict) else resource
        if isinstance(arn, list):
            arn = arn[0]
        service = action.split(":")[0]
        if arn is None and service == "s3" and action not in LISTS:
            return "say by Fn::Sub which prefix of the bucket"
        if arn is None:
            return None if target(resource) else "say the resource by Fn::GetAtt or Fn::Sub"
        if service == "dynamodb":
            arn = re.sub(r"/index/\*$", "", arn)
        elif service == "s3" and action not in LISTS:
            # arn:aws:s3:::bucket/prefix/*
            bucket, _, key = arn.partition("/")
            if not re.fullmatch(r"[^*?]+/\*?|[^*?/]+", key):
                return "the resource is more than one prefix of a bucket"
            arn = bucket
        return "the resource has a wildcard" if "*" in arn or "?" in arn else None


class FailuresAreHeard(CloudFormationLintRule):
    id = "E9102"
    shortdesc = "No function fails unheard"
    description = (
        "Every function has an alarm on its errors that tells somebody, or logs into a group whose lines of failed invocations one counts. One that is invoked by events has a queue for those it could not do after all"
        " retries, and so has every schedule for those it could not deliver."
    )
    source_url = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
    tags = ["seatwise", "lambda"]

    # Lambda's API events wait for the answer, and the caller hears of the failure; of all others nobody does.
    ANSWERED = ("HttpApi", "Api")
    SCHEDULED = ("Schedule", "ScheduleV2", "EventBridgeRule", "CloudWatchEvent")

    def match(self, cfn):
        matches, alarmed, counted = [], self.alarmed(cfn), self.counted(cfn)
        for name, props, path in resources(cfn, SERVERLESS, LAMBDA):
            where = path[:2]
            group = target(at(props, "LoggingConfig", "LogGroup")) or target(at(cfn.template, "Globals", "Function", "LoggingConfig", "LogGroup"))
            if name not in alarmed and group not in counted:
                matches.append(RuleMatch(where, f"{name} has no alarm on its errors with an action"))
            events = props.get("Events") or {}
            unanswered = {k: e for k, e in events.items() if at(e, "Type") not in self.ANSWERED}
            plain = at(cfn.template, "Resources", name, "Type") == LAMBDA
            kept = (at(props, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"), at(props, "DeadLetterQueue", "TargetArn"), at(props, "DeadLetterConfig", "TargetArn"))
            if (unanswered or plain) and not any(is_a(cfn, queue, "AWS::SQS::Queue") for queue in kept):
                matches.append(RuleMatch(where, f"{name} is invoked by events, and no queue of this template keeps those that it could not do"))
            for key, event in unanswered.items():
                if at(event, "Type") in self.SCHEDULED and not is_a(cfn, at(event, "Properties", "DeadLetterConfig", "Arn"), "AWS::SQS::Queue"):
                    matches.append(RuleMatch(path + ["Events", key], f"{key} has no dead-letter queue of this template"))
        return matches

    def alarmed(self, cfn):
        names = set()
        for _, props, _ in resources(cfn, "AWS::CloudWatch::Alarm"):
            actions = list(values(props.get("AlarmActions", []), []))
            if (props.get("Namespace"), props.get("MetricName")) == ("AWS/Lambda", "Errors") and actions:
                names |= {target(at(d, "Value")) for d, _ in values(props.get("Dimensions", []), []) if at(d, "Name") == "FunctionName"}
        return names

    def counted(self, cfn):
        """The log groups whose lines of failed invocations are a metric that has an alarm with an action."""
        heard = set()
        for _, props, _ in resources(cfn, "AWS::CloudWatch::Alarm"):
            if list(values(props.get("AlarmActions", []), [])):
                heard.add((props.get("Namespace"), props.get("MetricName")))
        groups = set()
        for _, props, _ in resources(cfn, "AWS::Logs::MetricFilter"):
            metrics = {(at(m, "MetricNamespace"), at(m, "MetricName")) for m, _ in values(props.get("MetricTransformations", []), [])}
            if "platform.report" in str(props.get("FilterPattern")) and metrics & heard:
                groups.add(target(props.get("LogGroupName")))
        return groups - {None}


class RoutesAskForToken(CloudFormationLintRule):
    id = "E9103"
    shortdesc = "Every route has an authorizer"
    description = "A route that is not in OPEN_ROUTES names an authorizer of its API, or its API has one by default. A function has no URL of its own."
    source_url = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html"
    tags = ["seatwise", "apigateway"]

    def match(self, cfn):
        matches = []
        for _, props, path in resources(cfn, SERVERLESS):
            for key, event in (props.get("Events") or {}).items():
                if at(event, "Type") not in ("HttpApi", "Api"):
                    continue
                route = at(event, "Properties") or {}
                if (str(route.get("Method")).upper(), route.get("Path")) in OPEN_ROUTES:
                    continue
                auth = at(cfn.template, "Resources", target(route.get("ApiId")), "Properties", "Auth") or {}
                named = at(route, "Auth", "Authorizer") or auth.get("DefaultAuthorizer")
                if named is None or named not in (auth.get("Authorizers") or {}):
                    matches.append(RuleMatch(path + ["Events", key], f"{route.get('Method')} {route.get('Path')} has no authorizer"))
            if "FunctionUrlConfig" in props:
                matches.append(RuleMatch(path + ["FunctionUrlConfig"], "A URL of the function's own goes past the authorizer"))
        for _, props, path in resources(cfn, "AWS::ApiGatewayV2::Route"):
            if props.get("AuthorizationType", "NONE") == "NONE" and tuple(str(props.get("RouteKey")).split(" ", 1)) not in OPEN_ROUTES:
                matches.append(RuleMatch(path, f"{props.get('RouteKey')} has no authorizer"))
        return matches


class LogsEnd(CloudFormationLintRule):
    id = "E9104"
    shortdesc = "Logs are kept for a time that is said"
    description = "Every log group has a retention, and every function writes to a log group of this template: the one that Lambda makes by itself keeps for ever."
    source_url = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html#SettingLogRetention"
    tags = ["seatwise", "logs"]

    def match(self, cfn):
        matches = []
        for name, props, path in resources(cfn, "AWS::Logs::LogGroup"):
            if "RetentionInDays" not in props:
                matches.append(RuleMatch(path[:2], f"{name} keeps its logs for ever"))
        for name, props, path in resources(cfn, SERVERLESS, LAMBDA):
            if not is_a(cfn, at(props, "LoggingConfig", "LogGroup"), "AWS::Logs::LogGroup"):
                matches.append(RuleMatch(path[:2], f"{name} writes to no log group of this template"))
        return matches


class BucketsAreClosed(CloudFormationLintRule):
    id = "E9105"
    shortdesc = "Every bucket is encrypted and closed to the public"
    description = "BucketEncryption is given, and all four settings of PublicAccessBlockConfiguration are true."
    source_url = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"
    tags = ["seatwise", "s3"]

    BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

    def match(self, cfn):
        matches = []
        for name, props, path in resources(cfn, "AWS::S3::Bucket"):
            if not at(props, "BucketEncryption", "ServerSideEncryptionConfiguration"):
                matches.append(RuleMatch(path[:2], f"{name} has no encryption"))
            for block in self.BLOCKS:
                if not true(at(props, "PublicAccessBlockConfiguration", block)):
                    matches.append(RuleMatch(path[:2], f"{name} lacks {block}"))
        return matches


class TablesAreKept(CloudFormationLintRule):
    id = "E9106"
    shortdesc = "No table is lost by one mistake"
    description = "Point-in-time recovery and deletion protection are on."
    source_url = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html"
    tags = ["seatwise", "dynamodb"]

    def match(self, cfn):
        matches = []
        for name, props, path in resources(cfn, "AWS::DynamoDB::Table"):
            if not true(at(props, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")):
                matches.append(RuleMatch(path[:2], f"{name} has no point-in-time recovery"))
            if not true(props.get("DeletionProtectionEnabled")):
                matches.append(RuleMatch(path[:2], f"{name} has no deletion protection"))
        return matches


class CreationsCanBeRepeated(CloudFormationLintRule):
    id = "E9107"
    shortdesc = "A creation that failed is in nobody's way"
    description = (
        "A resource with a name of its own that is kept when the stack goes is not kept when its creation fails: the next"
        " creation would find the name taken. So it has RetainExceptOnCreate, and not Retain. One that is replaced is kept."
    )
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
    tags = ["seatwise", "cloudformation"]

    NAMES = {"AWS::S3::Bucket": "BucketName", "AWS::DynamoDB::Table": "TableName", "AWS::SQS::Queue": "QueueName", "AWS::SecretsManager::Secret": "Name"}

    def match(self, cfn):
        matches = []
        for name, props, path in resources(cfn, *self.NAMES):
            resource = at(cfn.template, "Resources", name)
            policy = resource.get("DeletionPolicy", "Delete")
            named = [v for v, _ in values(props.get(self.NAMES[resource["Type"]]), []) if v is not None]
            # A name that a parameter may give is given to find what is there already, which Retain is right for.
            given = all(isinstance(v, dict) and list(v) == ["Ref"] for v in named)
            if named and not given and policy == "Retain":
                matches.append(RuleMatch(path[:2], f"{name} has a name of its own and Retain: RetainExceptOnCreate"))
            if policy.startswith("Retain") and resource.get("UpdateReplacePolicy") != "Retain":
                matches.append(RuleMatch(path[:2], f"{name} is kept when the stack goes, and lost when it is replaced"))
        return matches


class WarningsFail(CloudFormationLintRule):
    id = "E9108"
    shortdesc = "What API Gateway warns of fails the deployment"
    description = "FailOnWarnings is true: a mistyped issuer is only a warning, and the API has no routes then."
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigatewayv2-api.html"
    tags = ["seatwise", "apigateway"]

    def match(self, cfn):
        return [
            RuleMatch(path[:2], f"{name} lacks FailOnWarnings")
            for name, props, path in resources(cfn, "AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api")
            if not true(props.get("FailOnWarnings"))
        ]


class NoSecretsInConfigurations(CloudFormationLintRule):
    id = "E9109"
    shortdesc = "No secret is in a function's configuration"
    description = (
        "No variable of a function is a secret: neither a dynamic reference, whose value CloudFormation fills in, nor a parameter with NoEcho. Whoever may describe a"
        " function reads them, and every version keeps them. A function is told the ARN and reads the value when it needs it."
    )
    source_url = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"
    tags = ["seatwise", "lambda"]

    def match(self, cfn):
        hidden = {name for name, p in (cfn.template.get("Parameters") or {}).items() if true(at(p, "NoEcho"))}
        places = [(at(cfn.template, "Globals", "Function"), ["Globals", "Function"])]
        places += [(props, path) for _, props, path in resources(cfn, SERVERLESS, LAMBDA)]
        matches = []
        for props, path in places:
            for name, value in (at(props, "Environment", "Variables") or {}).items():
                if any("{{resolve:" in leaf or leaf in hidden for leaf in self.leaves(value)):
                    matches.append(RuleMatch(path + ["Environment", "Variables", name], f"{name} is a secret: hand its ARN on, and read it when it is needed"))
        return matches

    def leaves(self, node):
        """Yields the texts of a value, and the names that it refers to."""
        if isinstance(node, str):
            yield node
            yield from re.findall(r"\$\{(\w+)\}", node)
        elif isinstance(node, (list, dict)):
            for member in node.values() if isinstance(node, dict) else node:
                yield from self.leaves(member)


class CalledByAlias(CloudFormationLintRule):
    id = "E9110"
    shortdesc = "Functions are called by their alias"
    description = (
        "Every function publishes its versions under an alias, and what calls one names the alias. What names the function itself gets each new version"
        " at once, and does not come back to the old one when an alarm rings."
    )
    source_url = "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html"
    tags = ["seatwise", "lambda"]

    # A custom resource is not among them: the stack means the version that it is being changed to.
    CALLERS = {
        "AWS::Cognito::UserPool": ["LambdaConfig"],
        "AWS::Events::Rule": ["Targets"],
        "AWS::Lambda::EventSourceMapping": ["FunctionName"],
        "AWS::Lambda::Permission": ["FunctionName"],
        "AWS::S3::Bucket": ["NotificationConfiguration"],
    }

    def match(self, cfn):
        matches = [
            RuleMatch(path, "The function has no alias: AutoPublishAlias")
            for _, props, path in resources(cfn, SERVERLESS) if not props.get("AutoPublishAlias")
        ]
        for kind, keys in self.CALLERS.items():
            for _, props, path in resources(cfn, kind):
                for key in keys:
                    matches += [RuleMatch(where, "Name the alias of the function") for where in self.unaliased(cfn, props.get(key), path + [key])]
        return matches

    def unaliased(self, cfn, node, path):
        """Yields where a function is named, and not its alias."""
        if is_a(cfn, node, SERVERLESS) or is_a(cfn, node, LAMBDA):
            yield path
        elif isinstance(node, (list, dict)):
            for key, member in node.items() if isinstance(node, dict) else enumerate(node):
                yield from self.unaliased(cfn, member, path + [key])
