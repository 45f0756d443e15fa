"""Prints template.yaml as CloudFormation makes it: transformed by SAM, and with the conditions decided by the parameters given as NAME=VALUE.

infra/nag/nag.js judges what this prints. Rules that look at values find no Fn::If there, whose branches they would not know.
"""

import json
import pathlib
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

NOTHING = {"Ref": "AWS::NoValue"}


def transformed(path, given):
    """Gives the template without SAM's own resources; the code is said to be in a bucket, as a deployment puts it there."""
    template = yaml_parse(pathlib.Path(path).read_text(encoding="utf-8"))
    values = {name: given.get(name, p.get("Default", "")) for name, p in template["Parameters"].items()}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://code/function"
    made = Translator(managed_policy_map={}, sam_parser=Parser()).translate(template, parameter_values=values)
    return made, values


def decided(condition, conditions, values):
    """Tells whether a condition holds with these values of the parameters."""
    (kind, of), = condition.items()
    if kind == "Condition":
        return decided(conditions[of], conditions, values)
    if kind == "Fn::Not":
        return not decided(of[0], conditions, values)
    if kind in ("Fn::And", "Fn::Or"):
        return (all if kind == "Fn::And" else any)(decided(one, conditions, values) for one in of)
    if kind == "Fn::Equals":
        return text(of[0], values) == text(of[1], values)
    raise ValueError(f"a condition of {kind} is not understood")


def text(node, values):
    if isinstance(node, dict) and "Ref" in node:
        return str(values[node["Ref"]])
    if isinstance(node, dict) and "Fn::Join" in node:
        return node["Fn::Join"][0].join(text(node["Fn::Join"][1], values).split(","))
    return str(node)


def resolved(node, conditions, values):
    """Takes the branch of each Fn::If that holds and the values of parameters, and leaves out what is nothing."""
    if isinstance(node, list):
        members = [resolved(member, conditions, values) for member in node]
        return [member for member in members if member != NOTHING]
    if not isinstance(node, dict):
        return node
    if list(node) == ["Ref"] and isinstance(values.get(node["Ref"]), str) and "," not in values[node["Ref"]]:
        return values[node["Ref"]]
    if list(node) == ["Fn::If"]:
        name, yes, no = node["Fn::If"]
        return resolved(yes if decided(conditions[name], conditions, values) else no, conditions, values)
    members = {key: resolved(member, conditions, values) for key, member in node.items()}
    return {key: member for key, member in members.items() if member != NOTHING}


def main():
    path, *pairs = sys.argv[1:]
    template, values = transformed(path, dict(pair.split("=", 1) for pair in pairs))
    conditions = template.pop("Conditions", {})
    for kind in ("Resources", "Outputs"):
        template[kind] = {
            name: {key: resolved(member, conditions, values) for key, member in one.items() if key != "Condition"}
            for name, one in template[kind].items()
            if "Condition" not in one or decided(conditions[one["Condition"]], conditions, values)
        }
    template.pop("Rules", None)
    json.dump(template, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
