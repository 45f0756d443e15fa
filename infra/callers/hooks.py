"""Puts ids that lead somewhere into most of the paths and bodies that schemathesis makes up (see callers.py)."""

import json
import os
import re
import zlib

import schemathesis

with open(os.environ["SEATWISE_KNOWN"], encoding="utf-8") as file:
    KNOWN = json.load(file)

# Of the made-up ids one in STRAY stays, so that unknown and impossible ids are asked for too.
STRAY = 4


def known(kind, made_up):
    """An id of this kind in place of the made-up one; which one follows from that, so that a seed plays again."""
    chance = zlib.crc32(repr(made_up).encode())
    if kind not in KNOWN or chance % STRAY == 0:
        return made_up
    return KNOWN[kind][chance // STRAY % len(KNOWN[kind])]


def kind_of(path, parameter):
    """licenses for the id in /v1/accounts/{account}/licenses/{id}; else the parameter's own name."""
    if parameter == "id" and (collection := re.search(r"/([a-z-]+)/\{id\}", path)):
        return collection[1]
    return parameter


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters:
        return path_parameters
    return {name: "acme" if name == "account" else known(kind_of(context.operation.path, name), value) for name, value in path_parameters.items()}


FIELDS = {
    "userId": "users", "members": "users", "licenseIds": "licenses", "costCenter": "code", "quoteId": "quotes", "queueIds": "call-queues", "roleIds": "roles",
    "dashboardId": "dashboards", "lineIds": "line", "productId": "product",
}


def filled(body):
    if isinstance(body, list):
        return [filled(member) for member in body]
    if not isinstance(body, dict):
        return body
    out = {}
    for field, value in body.items():
        kind = FIELDS.get(field)
        if kind and isinstance(value, str):
            out[field] = known(kind, value)
        elif kind and isinstance(value, list) and all(isinstance(member, str) for member in value):
            out[field] = [known(kind, member) for member in value]
        else:
            out[field] = filled(value)
    return out


@schemathesis.hook
def map_body(context, body):
    return filled(body)
