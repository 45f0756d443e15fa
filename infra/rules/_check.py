"""Holds the rules beside it to what they refuse: `make validate` runs it.

Every refused/<id>-<why>.yaml is refused once, by the rule <id> and by no other rule of cfn-lint; every rule has such a template; and template.yaml passes.
The underscore keeps cfn-lint from loading this file as a rule.
"""

import pathlib
import re
import sys

from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

here = pathlib.Path(__file__).parent


def refusals(template):
    args = ManualArgs(regions=["us-east-1"], append_rules=[str(here)])
    return [f"{match.rule.id} line {match.linenumber}: {match.message}" for match in lint_file(template, config=args)]


def main():
    wrong = [f"template.yaml: {refusal}" for refusal in refusals(here.parents[1] / "template.yaml")]
    rules = set(re.findall(r'^    id = "(E\d+)"$', (here / "seatwise.py").read_text(), re.MULTILINE))
    templates = sorted((here / "refused").glob("*.yaml"))
    for template in templates:
        rule = template.name.split("-")[0]
        found = refusals(template)
        if len(found) != 1 or not found[0].startswith(rule + " "):
            wrong.append(f"{template.name}: refused by {found}, not once by {rule}")
        rules.discard(rule)
    wrong += [f"{rule}: refuses no template" for rule in sorted(rules)]
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong or not templates:
        return 1
    print(f"the rules refuse {len(templates)} templates, each for its one reason, and take template.yaml")
    return 0


if __name__ == "__main__":
    sys.exit(main())
