"""Makes a person in the user pool of the stack, who gets a mail with a password for the first sign-in.

make invite EMAIL=ada@example.com ACCOUNT=acme            an admin or user of an account; ID=ada if the directory has another id for them than the pool's
make invite EMAIL=olga@example.com OPERATOR=yes           somebody who runs Seatwise: every permission, in every account

docs/identity.md says what comes of it. Invited again, a person keeps their password, and account, id and group become what is asked for.
"""

import argparse
import sys

import boto3

GROUP = "operators"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="seatwise")
    parser.add_argument("--email", required=True)
    parser.add_argument("--account", default="", help="the account that the person belongs to")
    parser.add_argument("--id", default="", help="their id in the account's directory, if it is not that of the pool")
    parser.add_argument("--operator", action="store_true", help="they run Seatwise")
    options = parser.parse_args()
    if not options.account and not options.operator:
        parser.error("say ACCOUNT=, or OPERATOR=yes for somebody who runs Seatwise")

    stack = boto3.client("cloudformation").describe_stacks(StackName=options.stack)["Stacks"][0]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
    if "UserPoolId" not in outputs:
        sys.exit(f"The stack {options.stack} has no user pool of its own: its people are made at the provider that JwtIssuer names.")
    pools, pool = boto3.client("cognito-idp"), outputs["UserPoolId"]
    wanted = {"email": options.email, "email_verified": "true"}
    wanted |= {f"custom:{name}": value for name, value in (("account", options.account), ("user", options.id)) if value}
    attributes = [{"Name": name, "Value": value} for name, value in wanted.items()]
    person = {"UserPoolId": pool, "Username": options.email}
    try:
        made = pools.admin_create_user(**person, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"])["User"]
    except pools.exceptions.UsernameExistsException:
        pools.admin_update_user_attributes(**person, UserAttributes=attributes)
        made = pools.admin_get_user(**person)
    (pools.admin_add_user_to_group if options.operator else pools.admin_remove_user_from_group)(**person, GroupName=GROUP)
    known = {a["Name"]: a["Value"] for a in made.get("Attributes") or made["UserAttributes"]} | wanted
    print(f"{options.email} signs in at {outputs['ConsoleUrl']}")
    if not options.operator:
        print(f"and is the user {known.get('custom:user', known['sub'])} of the account {options.account}: they can do what their roles in its directory allow.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
