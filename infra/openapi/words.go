package main

// introduction begins the description of the document.
const introduction = `The license desk of a cloud phone provider: buy licenses, assign them, configure phones from one file, meter Live Reports, settle the bill.

## Absent, null and empty

A field that is left out of a body means what its description says: nothing, a default, or, in a PUT of a user, that it stays as it is. ` + "`null`" + ` is refused (422) where
the schema does not say that it may be. An empty list is a list of nothing, never of everything. Answers have no ` + "`null`" + `.

## What the gateway answers itself

In AWS these come from API Gateway, in a form of its own, ` + "`application/json`" + ` with a ` + "`message`" + `, and not as a problem: 401 without a valid token, 403 for a token that the
authorizer refuses, 413 over 10 MB, 414 and 431 for a request line and headers over 10,240 bytes, 429 beyond the rate limit of the API, 503 and 504 when a function does not
answer in time. Everything that our own code answers is a problem (` + "`application/problem+json`" + `); the same code answers 400, 401, 403, 404, 405, 413, 415 and 431 on one machine.
`

// statusWords describe an error's status.
var statusWords = map[string]string{
	"400": "The request cannot be read: a bad escape, a body that is not JSON or not UTF-8, a member named twice, an altered cursor.",
	"401": "A valid access token is missing. In AWS the gateway answers this itself, in its own form.",
	"403": "The token lacks a permission.",
	"404": "There is no such thing in an account that the caller may enter.",
	"409": "What is there does not allow it; type says why. Also while the first request with this Idempotency-Key is still running.",
	"412": "The resource is not as If-Match or If-None-Match demands.",
	"413": "The body is too large.",
	"415": "The media type, its charset or the content coding is not supported.",
	"422": "Fields are at fault; errors names all of them. Also when the Idempotency-Key was used for another request.",
	"429": "Too many requests: answered by the gateway of AWS, in its own form.",
	"431": "The request line and the headers are too large.",
	"500": "Something went wrong on our side.",
	"503": "Too many requests at once, or others kept changing the same things; try again.",
}

// responseNames are the shared answers by status.
var responseNames = map[string]string{
	"400": "BadRequest", "401": "Unauthorized", "403": "Forbidden", "404": "NotFound", "409": "Conflict", "412": "PreconditionFailed", "413": "PayloadTooLarge",
	"415": "UnsupportedMediaType", "422": "Unprocessable", "429": "TooManyRequests", "431": "HeadersTooLarge", "500": "InternalError", "503": "TooBusy",
}

// tagWords describe the groups of operations.
var tagWords = map[string]string{
	"Accounts":           "Customers, made by the provider's operators.",
	"Audit":              "Who did what, when and why.",
	"Catalog":            "What can be licensed, and its prices.",
	"Cost centers":       "The codes that licenses are charged to.",
	"Directory":          "Users, roles, call queues and dashboards.",
	"Exports":            "What is there, as the file that imports it.",
	"Health":             "Whether the service is up.",
	"Imports":            "Users, call queues and dashboards from files.",
	"Licenses":           "Seats: listing, assigning, moving and ending them.",
	"Mass configuration": "Phones from one file.",
	"Me":                 "Who the caller is, and what they may do.",
	"Metrics":            "What is in use, and the wallboards.",
	"Purchase":           "Cart, quote, order, statement and billing.",
	"Reference":          "This document.",
	"Reports":            "The license status report.",
	"Usage":              "Views of Live Reports and what they add up to.",
}

// schemaNames name schemas whose type has another name in the code. Bodies of requests are named after their operations, and pages of lists after their items.
var schemaNames = map[string]string{
	"Field": "FieldError", "Settings": "AccountSettings", "Summary": "ProductSummary", "Results": "BulkResults", "ItemResult": "BulkResult", "Wait": "WaitingGrant",
	"View": "MassConfiguration", "Row": "MassConfigurationRow", "RowError": "FileError", "Counts": "RowCounts", "Need": "SeatNeed", "Difference": "RowDifference",
	"ImportsView": "Import", "ImportsRow": "ImportRow", "ImportsDifference": "ImportDifference", "ReportView": "Report", "Queue": "CallQueue", "Snapshot": "LicenseMetrics",
	"EventBody": "ViewEvent", "ReceiptBody": "EventReceipt", "RejectedBody": "RejectedEvent", "DayBody": "UsageDay", "OverageBody": "UsageOverage", "SourceBody": "UsageSource",
	"Because": "Reason", "Basis": "ReasonBasis", "Amount": "Money",
	"ListView": "MassConfigurationPage", "ListRow": "MassConfigurationRowPage", "ImportsListView": "ImportPage", "ImportsListRow": "ImportRowPage",
	"ReportListView": "ReportPage",
}

// enums are the values of properties that have few, where the code does not say so.
var enums = map[string][]any{
	"CatalogItem.kind":             {"base", "addOn", "seat", "metered"},
	"License.kind":                 {"base", "addOn", "seat", "metered"},
	"License.status":               {"available", "assigned", "terminated"},
	"ProductSummary.kind":          {"base", "addOn", "seat", "metered"},
	"MassConfiguration.source":     {"api", "drop", "undo"},
	"MassConfiguration.state":      {"awaitingUpload", "checking", "ready", "rejected", "configuring", "completed", "cancelled", "failed"},
	"Import.state":                 {"awaitingUpload", "checking", "ready", "rejected", "applying", "completed", "cancelled", "failed"},
	"Report.state":                 {"queued", "running", "ready", "failed"},
	"Report.kind":                  {"license-status"},
	"MassConfigurationRow.outcome": {"new", "change", "unchanged", "error"},
	"ImportRow.outcome":            {"new", "change", "unchanged", "error"},
}

// parameterWords describe parameters, by operation and name or by what stands before them in the path.
var parameterWords = map[string]string{
	"call-queues/id": "The call queue's id.", "dashboards/id": "The dashboard's id.", "imports/id": "The import's id.", "licenses/id": "The license's UUID.",
	"mass-configurations/id": "The mass configuration's id.", "reports/id": "The report's id.", "roles/id": "The role's id.", "users/id": "The user's id.",
	"wallboards/id": "The wallboard's id.", "orders/id": "The order's id.", "quotes/id": "The quote's id.", "exports/id": "The export's id.",
	"exclusions/product": "The product's id.", "{product}/user": "The user's id.", "user": "The user's id.", "lines/line": "The line's id.",
	"format": "The file's format.", "outcome": "Only rows of this outcome.", "status": "Only licenses of this state.",
}

// examples are values of properties in bodies, by operation and name where a name alone does not tell.
var examples = map[string]any{
	"account": "acme", "name": "Support", "brand": "RingCentral", "currency": "USD", "timezone": "America/New_York", "billingDay": 1, "bundle": "standard",
	"put-user.name": "Zoe Adams", "put-account.name": "Acme", "put-wallboard.name": "Lobby", "put-role.name": "Supervisor", "patch-user.name": "Zoe Adams",
	"productId": "live-reports", "userId": "zoe", "extension": "101", "number": "6567891230", "email": "zoe@acme.example", "costCenter": "CC-1",
	"productIds[]": "call_recording", "licenseIds[]": "0f8fad5b-d9cb-469f-a165-70867728950e", "lineIds[]": "1.1", "quantity": 5, "members[]": "zoe",
	"queueIds[]": "detroit", "roleIds[]": "supervisor", "permissions[]": "liveReports.view", "put-role.licenses[]": "reports-supervisor",
	"licenses[]": "essential-user", "agentSource": nil, "assign-products.extension": nil, "put-cart.id": nil, "max": 25,
	"fileName": "phones.csv", "create-import.fileName": "users.csv", "sizeBytes": 2048, "skipErrors": false, "sha256": nil, "hidden": "reject",
	"quoteId": "0190a5d2-6d4a-7c1e-9a53-2f1d4f1f7b10", "acknowledged": true, "atomic": false, "from": "2026-10-01", "to": "2026-10-31",
	"id": "view-1", "dashboardId": "support", "at": "2026-11-21T10:00:00Z", "active": true, "country": "US", "reportSchedule": "monthly",
	"place-order.id": "1", "post-report.kind": "license-status", "adminOfCostCenters[]": "CC-1", "fenced": false,
}

// propertyWords describe properties, by schema and name or by name alone, where the code has no doc tag.
var propertyWords = map[string]string{
	"AuditRecord.action": "What was done: a verb in the past tense with its kind, such as license.assigned.", "AuditRecord.actor": "The user, or the function, that did it.",
	"AuditRecord.at": "When.", "AuditRecord.before": "How it was; absent when it was made.", "AuditRecord.after": "How it is since; absent when it was removed.",
	"AuditRecord.id": "The record's id.", "AuditRecord.reason": "Why: request, a row of a file, a call queue, a role.",
	"AuditRecord.requestId": "The request that it came from.", "AuditRecord.user": "The user concerned, if there is one.",
	"format": "The file's format.", "billingDay": "Day of the month of the billing date, 1 to 28.", "bundle": "The bundle of the account.",
	"reportSchedule": "How often the license status report is made automatically.", "timezone": "IANA name of the account's time zone.",
	"HeldLicense.status": "Its state.", "ChangedLicense.status": "Its state.",
	"active": "Whether the user may hold licenses.", "activeUsers": "Monitored agents and viewers, each person once.", "addOns": "The add-ons of the row.",
	"addedAt": "When it was bought or made.", "asOf": "The moment that the figures are of.", "assigned": "How many are assigned.", "assignedAt": "When its holder got it.",
	"available": "How many are free.", "bought": "How many are bought and not terminated.", "by": "Who excluded the user.", "byCostCenter": "The same by cost center.",
	"byProduct": "The same by product.", "callQueueBoosterPurchased": "Call Queue Booster licenses bought.", "category": "The category of the catalog.",
	"change": "Rows that change something.", "changedAt": "When it was changed last.", "clients": "Desktop and CRM clients.", "code": "Its code.",
	"column": "The column, as a letter or by its name.", "costCenter": "The code of the cost center.", "counts": "The rows by outcome.",
	"covered": "Members who need no seat, since another product includes it.", "createdAt": "When it was made.", "createdBy": "Who asked for it.",
	"dashboardId": "The dashboard's id.", "date": "The day.", "detail": "What went wrong, for people.", "devices": "Wallboards in use, of their maximum.",
	"differences": "What the row changes.", "dueToday": "What is due today.", "email": "The e-mail address.", "endedAt": "When it ended.", "error": "Rows with an error.",
	"errors": "What is wrong.", "events": "The events.", "excluded": "Members who are excluded from automatic assignment.",
	"Why.excluded": "Who excluded the user, and when.", "expiresAt": "When it expires.", "extension": "The phone extension, 1 to 10 digits.", "failed": "Items that were refused.",
	"fileName": "The file's name.", "from": "The first day.", "RowDifference.from": "What is there; empty for nothing.", "ImportDifference.from": "What is there; empty for nothing.",
	"grant": "The reason for holding it: direct, queue:{id}, view, role:{id}, massConfiguration:{id}.", "granted": "Members who hold a seat.",
	"grants": "The reasons for holding it.", "headers": "Headers to send with the file, exactly so.", "id": "Its id.", "inactive": "Whether the user is deactivated.",
	"items": "The items of the page, or of the request.", "kind": "Its kind.", "licenseCount": "How many licenses were bought.", "licenseId": "The license's UUID.",
	"licenseIds": "UUIDs of licenses.", "licensesPurchased": "Licenses bought at the end of the day.", "lines": "The lines.", "liveReportsPurchased": "Live Reports licenses bought.",
	"message": "What is wrong, for people.", "method": "The method to send the file with.", "monitoredUsers": "Members of call queues that a dashboard shows.", "name": "Its name.",
	"needs": "Seats that the file needs, by product.", "new": "Rows that configure an extension for the first time.", "nextBillingDate": "The next billing date.",
	"number": "The direct number.", "orderId": "The order that it was bought with.", "outcome": "What the row does.", "overageUsers": "Active users beyond the licenses bought.",
	"peakDate": "The day with the most active users.", "percent": "How far it is, 0 to 100.", "permissions": "The permissions that the role carries.",
	"placedAt": "When it was placed.", "placedBy": "Who placed it.", "problem": "What is wrong with it.", "productId": "The product's id.", "productIds": "Ids of products.",
	"proration": "The days that the amount due today is reckoned by.", "quantity": "How many.", "queueId": "The call queue's id.", "queueIds": "Ids of the call queues.",
	"quoteId": "The quote that it confirms.", "recurring": "What is charged for a month.", "results": "A result for each item, in their order.", "roleId": "The role's id.",
	"roleIds": "Ids of the user's roles.", "row": "The row's number in the file.", "rows": "All rows.", "since": "Since when.", "sizeBytes": "The file's size in bytes.",
	"skipErrors": "Whether rows with an error are left out and the others applied.", "source": "Where it came from.", "state": "Its state.",
	"BulkResult.status": "What became of the item.", "License.status": "Its state.", "Problem.status": "The HTTP status.", "succeeded": "Items that were done.",
	"supervisor": "Supervisor licenses by level.", "terminatedAt": "When it was terminated.", "title": "What kind of problem it is, for people.",
	"to": "The day after the last one.", "RowDifference.to": "What will be there; empty for nothing.", "ImportDifference.to": "What will be there; empty for nothing.",
	"totalPurchased": "Both together.", "Problem.type": "The kind of problem, as a URN; the document lists them.", "unchanged": "Rows that change nothing.",
	"unitPrice": "The price of one for a month.", "upload": "Where to put the file.", "url": "The presigned URL.", "used": "How many are in use.", "userId": "The user's id.",
	"userName": "The user's name.", "users": "Essential and Professional users, and the Agent add-on.", "viewers": "Users who viewed a dashboard.",
	"waiting": "Grants that wait for a seat.", "waitingSince": "Since when the user waits.", "wanted": "How many are wanted.",
	"GrantCounts.waiting": "Members who wait for a seat.", "productName": "The product's name.", "members": "Ids of the users in the queue.",
	"account": "The account's id.", "user": "The user's id.", "active users": "Active users.", "licenses": "Ids of metered products.", "reserved": "Seats that a file in progress holds.",
	"cause": "Whom and which request it followed from.", "requestId": "The request's id.", "actor": "The user's id.", "lineTotal": "What the line costs a month.",
	"costCenters": "The cost centers that the caller is limited to; absent for all.", "hidden": "What to do with hidden rows and columns.",
}
