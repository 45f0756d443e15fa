package pages

import (
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

var _ = add(web.Page{
	Name: "Problems", Path: "problems",
	Routes: []web.Route{{Path: "problems/{slug}", Show: showProblem}},
})

// explanation is what a kind of problem means, and what can be done.
type explanation struct{ Title, Means, Do string }

// explanations are the kinds of problems of the API (docs/contract.md, Errors). A test holds that none
// is missing.
var explanations = map[string]explanation{
	"account-closed": {
		"The account is closed",
		"The account has been closed, so nothing in it can be read or changed.",
		"Ask the provider's operators if that is not what was meant.",
	},
	"base-license-required": {
		"A base license is needed",
		"An add-on hangs on a base license, such as Phone System, and the person has none.",
		"Assign the base license first, or choose somebody who has one.",
	},
	"cap-exceeded": {
		"The maximum is reached",
		"The account's own maximum for automatic purchases does not allow any more in this billing period.",
		"Ask who approves purchases, or wait for the next period.",
	},
	"cost-center-fenced": {
		"The cost center keeps its licenses",
		"Licenses of this cost center serve its own people only.",
		"Choose a license of another cost center, or a person of this one.",
	},
	"email-in-use": {
		"The e-mail address is taken",
		"Somebody else in the account has this e-mail address.",
		"Use another one, or change that person's first.",
	},
	"extension-in-use": {
		"The extension is taken",
		"Somebody else has this extension.",
		"Choose another extension, or take it away from that person first.",
	},
	"forbidden": {
		"You may not do that",
		"Your roles do not carry the permission that this needs.",
		"Ask an admin of your account for a role that does.",
	},
	"headers-too-large": {
		"Too much was sent with the request",
		"The cookies and other headers of the browser are larger than what is taken.",
		"Delete the cookies of this site, then sign in again.",
	},
	"hidden-rows": {
		"The file hides rows or columns",
		"A filter or a hidden column was left on in the file, so it is not certain what it is meant to say.",
		"Show all rows and columns and upload it again, or say that hidden ones count, or do not.",
	},
	"idempotency-in-progress": {
		"It is just being done",
		"The same request is still being carried out.",
		"Wait a moment, then press the button again: nothing happens twice.",
	},
	"idempotency-mismatch": {
		"The form was sent before with other values",
		"A form is carried out once, and this one already was.",
		"Look at the page to see what was done, then begin again.",
	},
	"internal": {
		"Something went wrong here",
		"The service failed at something that is not your fault.",
		"Try again in a moment. If it stays so, tell the provider, with the time at which it happened.",
	},
	"license-in-use": {
		"Somebody holds the license",
		"Only licenses that nobody holds can be terminated.",
		"Unassign it first.",
	},
	"license-not-available": {
		"The license is not free",
		"Somebody else holds it, or it is terminated.",
		"Look at the list again and choose a license with N/A.",
	},
	"malformed-body": {
		"The request cannot be read",
		"What was sent is cut off, or is not what it should be.",
		"Go back to the page and send it again.",
	},
	"method-not-allowed": {
		"That cannot be done there",
		"The address exists, but not for this.",
		"Go back to the page and use what it offers.",
	},
	"mutually-exclusive": {
		"The two exclude each other",
		"A person may hold only one license of this kind.",
		"Remove the other one first.",
	},
	"not-acknowledged": {
		"The charges are not acknowledged",
		"An order is placed once you have said that you read and understood its charges.",
		"Tick the box under the charges, then confirm.",
	},
	"not-enough-licenses": {
		"There are not enough free licenses",
		"More licenses are needed than are free.",
		"Buy what is missing, or take licenses back from people who do not need them.",
	},
	"not-found": {
		"It is not there",
		"It was never there, it is gone, or it is not yours to see.",
		"Look for it in the list.",
	},
	"number-in-use": {
		"The number is taken",
		"Another extension has this number.",
		"Choose another number, or take it away there first.",
	},
	"payload-too-large": {
		"It is too large",
		"More was sent than is taken at once.",
		"Send less at once, or split the file.",
	},
	"period-closed": {
		"The billing period is closed",
		"A closed period never changes. What is wrong in it is corrected in the next one.",
		"Ask the provider's operators for a correction.",
	},
	"plan-stale": {
		"The plan does not fit any more",
		"Seats or people have changed since the plan was made, so nothing was applied.",
		"Check the file again, look at the new plan, then configure.",
	},
	"precondition-failed": {
		"Somebody else has changed it",
		"It is not any more what it was when the page was opened, so nothing was saved.",
		"Look at both versions and choose.",
	},
	"quote-expired": {
		"The charges were shown too long ago",
		"What was shown is good for 30 minutes.",
		"Go back to the cart and review the charges again.",
	},
	"quote-stale": {
		"The prices or the cart changed",
		"Prices or the cart have changed since the charges were shown.",
		"Go back to the cart and review the charges again.",
	},
	"rate-limited": {
		"Too many requests",
		"More requests come from the account than it may send.",
		"Wait a moment, then try again.",
	},
	"read-only": {"That cannot be changed", "The value is set by the service.", "Leave it as it was."},
	"report-not-applicable": {
		"There is no such report for this account",
		"With the Customer Engagement Bundle Live Reports are unlimited, so there are no licenses to report on.",
		"Look at Usage instead.",
	},
	"self-approval": {
		"You cannot approve your own request",
		"Somebody else must look at it.",
		"Ask another approver.",
	},
	"too-busy": {
		"The service is busy",
		"More is being done at this moment than it can take.",
		"Wait a few seconds, then try again.",
	},
	"unauthorized": {"You are not signed in", "Your session has ended.", "Sign in again."},
	"unsupported-media-type": {
		"That type of content is not taken",
		"What was sent is of another type than is taken here.",
		"Use one of the types that the page names.",
	},
	"user-already-licensed": {
		"They have one already",
		"A person holds at most one license of a product.",
		"Choose somebody else.",
	},
	"user-inactive": {
		"The user is not active",
		"Licenses go to active users only.",
		"Make the user active first.",
	},
	"validation": {
		"A value is not accepted",
		"A field was left empty that is needed, or has what it does not take: too long, too large, of another form, or the name of something that is not there. Nothing was changed.",
		"The message names each field, and beside the field it says what it takes. Correct it there and send the form again: all else that you typed is kept.",
	},
	"wallboard-limit": {
		"No more wallboards",
		"The account has as many wallboards as it may, or more than the new maximum.",
		"Raise the maximum under Metrics, or remove a wallboard.",
	},
	"window-in-future": {
		"The time is in the future",
		"A report or a summary is of days that are over.",
		"Choose days up to today.",
	},
	"wrong-state": {
		"That is not possible now",
		"What it is about has gone on meanwhile, or is not that far yet.",
		"Look at its page again.",
	},
}

func showProblem(c *web.Context, f *view.Form) error {
	e, known := explanations[c.Param("slug")]
	if !known {
		return c.NotFound("There is no kind of problem of this name.")
	}
	if err := c.Load(); err != nil {
		return err
	}
	return c.Show(e.Title, problemPage(c, e, c.Back(f, "")))
}
