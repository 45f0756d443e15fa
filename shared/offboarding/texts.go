package offboarding

import "strings"

// class says what a text of a record is of a person.
type class string

// The classes of what is of a person. Each stands for itself in the documents.
const (
	name    class = "name"
	address class = "e-mail address"
	number  class = "number"
	words   class = "words" // that somebody wrote about them
	loose   class = "loose" // what a file said, or what it was called: of whomever
)

// texts says of a kind of record what each text in it is, by paths: fields by points, [] for all of a list and
// * for all of a map. Times are no texts. A kind that is new has to be here, and each text of it (decisions, 206).
type texts struct {
	// documents are the types of the documents, by package and name; "text" is a text alone.
	documents string
	// plain are ids, codes, days, digests, and words that programs chose; things are names that people gave to
	// what is no person, and words about such.
	plain, things string
	// theirs are of a person.
	theirs []theirs
	// away says which of a record's texts names the person for whom alone it is there.
	away string
	// lost is what a record says once its files are removed.
	lost *lost
	// brief is of records that expire before the second pass, and are not changed.
	brief bool
	// subject is what audit entries call a file that has a plan.
	subject string
	// plan is the kind of the files whose rows these are: while one is checked, its plan is being written.
	plan string
}

// theirs is a text of a person, and its conditions say which one. There are alternatives, separated by spaces,
// whose parts & joins:
//
//	userId            the text at this path is the id of the person
//	state=ready       the text there is this; @ in it stands for the person's id
//	subject=import:*  the text there begins so
//	user?             there is something
//	:user#@           the record's sort key is this
//	:removed          the record's files are removed
//
// Of a path, what it has in common with the text's own leads to the same members of lists and maps.
type theirs struct {
	path string
	is   class
	of   string
}

// lost is what becomes of a record whose files are removed, if it meets a condition.
type lost struct {
	of string
	// becomes are paths, and the JSON that stands there from then on.
	becomes [][2]string
}

// bothStates are the paths of texts that an audit entry may have of how it was before, and after.
func bothStates(fields string) string {
	var out []string
	for _, f := range strings.Fields(fields) {
		out = append(out, "before"+f, "after"+f)
	}
	return strings.Join(out, " ")
}

// inBoth says of texts of both states of an audit entry whose they are; $ in the conditions stands for the state.
func inBoth(fields string, is class, of string) (list []theirs) {
	for _, path := range strings.Fields(bothStates(fields)) {
		state, _, _ := strings.Cut(path, ".")
		list = append(list, theirs{path, is, strings.ReplaceAll(of, "$", state)})
	}
	return list
}

func together(lists ...[]theirs) (all []theirs) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

const (
	cause = " cause.actor cause.requestId "

	licensePlain = "baseLicenseId costCenter extension grants[].source id kind orderId productId productName " +
		"status userId holderCostCenter "
	moneyPlain = "byCostCenter[].costCenter byCostCenter[].dueToday.currency byCostCenter[].recurring.currency " +
		"dueToday.currency recurring.currency lines[].costCenter lines[].dueToday.currency lines[].name " +
		"lines[].productId lines[].recurring.currency lines[].unitPrice.currency nextBillingDate " +
		"proration.from proration.to id "
	jobPlain = "after by errors[].code errors[].column file.Bucket file.Version hidden id kind needs[].productId " +
		"next result.Bucket result.Key result.Version rights[] sha256 source state undoes" + cause
	rowPlain = "[].changes[].field [].errors[].code [].errors[].column [].outcome process "
)

// jobTexts are those of a file that is carried through, and errorTexts of the rows that were refused.
var (
	jobTexts = []theirs{
		{"fileName", loose, ""},
		{"file.Key", loose, ""},
		{"refusal", loose, ""},
		{"why", loose, ""},
		{"errors[].header", loose, ""},
		{"errors[].message", loose, ""},
		{"errors[].value", loose, ""},
	}
	errorTexts = []theirs{
		{"[].errors[].header", loose, ""},
		{"[].errors[].message", loose, ""},
		{"[].errors[].value", loose, ""},
		{"message", loose, ""},
	}
	jobLost = &lost{of: "result?", becomes: [][2]string{{"result", "null"}}}
)

const (
	removedFile = `"The file was removed when a person was forgotten whom it might name. Ask for it again."`

	// removed is met of records whose files are removed.
	removed = ":removed"
	// aUser is that a row of an import is about the person, and refused that it was, of a file that is removed: of a
	// row that is refused nobody knows whom it is about.
	aUser   = "[].id&[].user?"
	refused = removed + "&[].outcome=error"
)

// inRecords says of every kind of record what its texts are.
var inRecords = map[string]texts{
	"ACCOUNT": {
		documents: "account.Account",
		plain: "bundle costCenter country currency erasure id reportSchedule state terms[].bundle terms[].from " +
			"terms[].reportSchedule terms[].timezone timezone",
		things: "brand name",
	},
	"ACTIVITY": {},
	"ALERTS": {
		documents: "alert.Alert", plain: "id kind productId state subject", things: "",
		theirs: []theirs{{"detail", loose, "kind=failed"}},
	},
	"ALERTS-OPEN": {
		documents: "alert.stored", plain: "id kind productId rule state subject",
		theirs: []theirs{{"detail", loose, "kind=failed"}},
	},
	"ARCHIVE-PARTS": {documents: "[]offboarding.ArchiveFile", plain: "[].kind [].name [].sha256"},
	"ARCHIVES": {
		documents: "offboarding.archive",
		plain:     "createdBy files[].kind files[].name files[].sha256 id state" + cause,
		lost:      &lost{of: "state=ready", becomes: [][2]string{{"state", `"expired"`}}},
	},
	"AUDIT":       auditTexts,
	"AUDIT-BEGUN": auditTexts,
	"CART":        {documents: "purchase.Cart", plain: "lines[].costCenter lines[].id lines[].productId"},
	"CONFIRMED": {
		documents: "license/internal/record.ConfirmedOrder", plain: "lots[].costCenter lots[].productId orderId",
	},
	"CORRECTIONS": {
		documents: "period.Named", plain: "amount.currency corrects costCenter id productId", things: "reason",
	},
	"COST":        {documents: "cost.Work"},
	"COST-CENTER": {documents: "purchase.CostCenter", plain: "code", things: "name"},
	"COUNTING":    {},
	"DASHBOARDS":  {documents: "directory.Dashboard", plain: "id queueIds[]", things: "name"},
	"EMAIL":       {documents: "directory.emailOwner", plain: "userId", away: "userId"},
	"EXCLUDED": {
		documents: "license/internal/record.Excluded", plain: "by productId userId",
		theirs: []theirs{{"userName", name, "userId"}},
	},
	"EXPORT": {
		documents: "imports.Export", plain: "createdBy fileName format id kind state why" + cause,
		lost: &lost{of: "state=ready", becomes: [][2]string{{"state", `"failed"`}, {"why", removedFile}}},
	},
	"EXPORT-PARTS": {documents: "platform/lease.Lease", plain: "process"},
	"EXTENSION": {
		documents: "license/internal/record.Extension", plain: "key userId",
		theirs: []theirs{{"number", number, "userId"}},
	},
	"FENCES": {documents: "license/internal/record.Fences", plain: "codes[]"},
	"FORGOTTEN": {
		documents: "offboarding.forgetting", plain: "state askedBy remains[].what stuck[]" + cause,
	},
	"FREE": {
		documents: "license.offer", plain: licensePlain, theirs: []theirs{{"userName", name, "userId"}},
	},
	"GONE": {
		documents: "directory.Gone", plain: "extension",
		// Of a call queue or a dashboard it is the name of a thing.
		theirs: []theirs{{"name", name, ":user#@"}, {"email", address, ":user#@"}},
	},
	"HOLDER": {
		documents: "license/internal/record.Holder",
		plain: "costCenter extension holdings.*.excluded.by holdings.*.grants[].source holdings.*.licenseId " +
			"holdings.*.waiting userId",
		theirs: []theirs{{"name", name, "userId"}, {"email", address, "userId"}, {"number", number, "userId"}},
	},
	"HOLDERS-WORD": {documents: "license/internal/record.SearchEntry", plain: "userId", away: "userId"},
	"IDLE":         {documents: "idle.head", plain: "generation products[]"},
	"IDLE-SEATS":   {documents: "idle.chunk", plain: "seats[].license seats[].product seats[].user"},
	"IMPORT":       {subject: "import", documents: "filejob.Job", plain: jobPlain, theirs: jobTexts, lost: jobLost},
	"IMPORT-PARTS": {
		plan:      "IMPORT",
		documents: "platform/lease.Lease []imports.planRow filejob.Progress filejob.refusedRow []text",
		plain: rowPlain + "[] [].keeps[] [].refs[] [].user.agentSource [].user.costCenter [].user.ext " +
			"[].user.hadExt [].user.licenses[] [].user.roles[]",
		theirs: together([]theirs{
			{"[].id", words, refused},
			{"[].name", name, aUser + " " + refused},
			{"[].user.email", address, aUser + " " + refused},
			{"[].user.number", number, aUser + " " + refused},
			{"[].user.hadNumber", number, aUser + " " + refused},
			{"[].changes[].from", words, ofChanges(aUser, "name", "email", "number")},
			{"[].changes[].to", words, ofChanges(aUser, "name", "email", "number")},
		}, errorTexts),
	},
	"JOBS": {
		documents: "account.bundleMarker purchase.orderMarker filejob.marker platform/failures.Failure platform/call.Cause",
		plain: "after bundle by id kind requestId ticket.fingerprint ticket.partition ticket.sort actor" +
			cause,
		theirs: []theirs{{"detail", loose, ""}},
	},
	"KEY": {
		documents: "platform/call.record platform/call.piece", brief: true,
		plain: "body.? bytes fingerprint header.* pieces.id",
	},
	"LICENSE": {
		documents: "license/internal/record.Document", plain: licensePlain,
		theirs: []theirs{{"userName", name, "userId"}},
	},
	"LICENSES":    {},
	"MAINTENANCE": {documents: "platform/lease.Lease", plain: "process"},
	"MASSCONFIG": {
		subject: "massConfiguration", documents: "filejob.Job", plain: jobPlain, theirs: jobTexts, lost: jobLost,
	},
	"MASSCONFIG-DROP": {
		documents: "text", plain: "$",
	},
	"MASSCONFIG-DROPPED": {documents: "massconfig.newest", plain: "job sequencer"},
	"MASSCONFIG-PARTS": {
		plan:      "MASSCONFIG",
		documents: "platform/lease.Lease []massconfig.planRow filejob.Progress filejob.refusedRow",
		plain: rowPlain + "[].before.addOns[] [].before.user [].expect.addOns[] [].expect.user [].had.addOns[] " +
			"[].had.ext [].wanted.addOns[]",
		theirs: together([]theirs{
			{"[].ext", words, refused},
			{"[].wanted.user", words, refused},
			{"[].wanted.number", number, "[].wanted.user " + refused},
			{"[].before.number", number, "[].before.user"},
			{"[].expect.number", number, "[].expect.user"},
			{"[].had.number", number, "[].wanted.user"},
			{"[].changes[].from", words, ofChanges("[].before.user", "number")},
			{"[].changes[].to", words, ofChanges("[].wanted.user", "number")},
		}, errorTexts),
	},
	"MEMBER-OF": {},
	"MONITORED": {documents: "directory.Monitored", plain: "userId"},
	// The extension that has the number: for as long as somebody has the extension.
	"NUMBER":       {documents: "text", plain: "$"},
	"ORDER-NUMBER": {documents: "map:order", plain: "order"},
	"ORDERS": {
		documents: "purchase.Order",
		plain: moneyPlain + "acknowledgement failure names.costCenters[].code number placedBy " +
			"policy.acknowledgedBy policy.acknowledgedPrice.currency policy.for[].grants[] policy.for[].requestId " +
			"policy.for[].userId policy.productId quoteId state",
		things: "names.account names.brand names.costCenters[].name",
		theirs: []theirs{{"names.placedBy", name, "placedBy"}},
	},
	"PEOPLE-CC": {},
	"PERIOD": {
		documents: "[]period.Entry []period.Share period.sharesChunk",
		plain: "[].amount.currency [].corrects [].costCenter [].days[].amount.currency [].days[].day [].id [].kind " +
			"[].license [].productId [].unitPrice.currency [].userId",
		things: "[].reason", // of a correction, which is of a product and a cost center
	},
	"PERIODS": {
		documents: "period.closed",
		plain:     "costCenter currency digest from prices.*.overage.currency prices.*.unit.currency to total.currency",
	},
	"PLACING": {},
	"POLICIES": {
		documents: "policy.stored",
		plain: "acknowledgedBy autoPurchase.acknowledgedPrice.currency autoPurchase.costCenter " +
			"autoPurchase.maxAmount.currency productId suspended.detail suspended.reason used.amount.currency used.from",
	},
	"POLICY-BOUGHT": {documents: "policy.Count"},
	"PURCHASED":     {},
	"QUEUE-MEMBERS": {documents: "[]text", plain: "[]"},
	"QUEUES":        {documents: "directory.queueItem", plain: "dashboards[] id", things: "name"},
	"QUOTA":         {},
	"QUOTE": {
		documents: "purchase.storedQuote", plain: moneyPlain + "basis.cart basis.catalog by orderId",
	},
	"RECLAIM-SEATS": {
		documents: "idle.part",
		plain: "rows[].lacks[] rows[].licenseId rows[].message rows[].outcome rows[].took[].grants[] " +
			"rows[].took[].licenseId rows[].took[].productId rows[].userId rows[].wentAlong[] rows[].why",
		theirs: []theirs{{"rows[].userName", name, "rows[].userId"}},
	},
	"RECLAIMS": {
		documents: "idle.job", plain: "by id limit[] productId state undoLimit[] undoes[] userIds[]" + cause,
	},
	"REPORT-LEASES": {documents: "platform/lease.Lease", plain: "process"},
	"REPORT-STAMPS": {},
	"REPORTS": {
		documents: "report.Report", plain: "createdBy failure fileName from id kind state to" + cause,
		lost: &lost{of: "state=ready", becomes: [][2]string{{"state", `"failed"`}, {"failure", removedFile}}},
	},
	"REPORTS-SCHEDULED": {documents: "map:report map:end", plain: "report end"},
	"REQUEST-PENDING":   {documents: "map:request", plain: "request"},
	"REQUESTS": {
		documents: "request.stored",
		plain:     "askedBy decidedBy id licenseId limit[] productId productName state userId" + cause,
		theirs: []theirs{
			{"userName", name, "userId"},
			{"reason", words, "userId"},
			{"note", words, "userId"},
		},
	},
	"RESERVED": {
		documents: "license.reserved",
		plain:     "offers[]." + strings.Join(strings.Fields(licensePlain), " offers[]."),
		theirs:    []theirs{{"offers[].userName", name, "offers[].userId"}},
	},
	"ROLE-USERS": {},
	"ROLES":      {documents: "directory.Role", plain: "id licenses[] permissions[]", things: "name"},
	"ROLLUP": {
		documents: "usage.chunk",
		plain:     "agents[].queues[] agents[].users[] viewers[].user",
	},
	"SEATS":       {},
	"SEATS-CC":    {},
	"SEATS-TIMES": {},
	"SHARDS":      {documents: "license/internal/record.ShardCount"},
	"SPANS": {
		documents: "license/internal/record.Spans",
		plain:     "spans[].costCenter spans[].license spans[].productId spans[].userId",
	},
	"STATE":         {documents: "platform/call.stopped", plain: "state"},
	"SUPER-ADMINS":  {},
	"TRIES":         {documents: "platform/call.tries", theirs: []theirs{{"error", loose, ""}}},
	"USAGE":         {documents: "usage.head usage.folded", plain: "day leaves[].first leaves[].id recent[]"},
	"USED":          {documents: "usage.Used", plain: "productId userId"},
	"USED-PRODUCTS": {},
	"USERS": {
		documents: "directory.profile", plain: "adminOfCostCenters[] agentLicense agentSource id roleIds[]",
		theirs: []theirs{{"name", name, "id"}, {"email", address, "id"}},
	},
	"ARRIVED": {documents: "usage.arrival", plain: "views[].dashboard views[].user"},
	"VIEW":    {documents: "usage.storedEvent", plain: "dashboard user"},
	"VIEWER":  {documents: "usage.storedViewer", plain: "dashboard user" + cause},
	"WAITING": {
		documents: "license/internal/record.StoredWait",
		plain:     "costCenter grants[].source productId userId" + cause,
		theirs:    []theirs{{"userName", name, "userId"}},
	},
	"WALLBOARD-FLEET": {documents: "wallboard.Fleet"},
	"WALLBOARD-LIMIT": {documents: "metrics.limit"},
	"WALLBOARDS": {
		documents: "metrics.stored", plain: "id kind userId",
		theirs: []theirs{{"name", words, "userId"}},
	},
}

// ofChanges is the condition of what a row of a plan changes in one of some fields.
func ofChanges(row string, fields ...string) string {
	var of []string
	for _, f := range fields {
		of = append(of, row+"&[].changes[].field="+f)
	}
	return strings.Join(of, " ")
}

// auditTexts are those of an audit entry: what it says of both states, its action decides.
var auditTexts = texts{
	documents: "platform/call.AuditRecord",
	plain: "action actor id requestId subject user" + cause + bothStates(
		".bucket .version "+
			".acknowledgement .adminOfCostCenters[] .agentSource .brand .bundle .costCenter .currency .dashboards[] .extension "+
			".format .from .grants[] .grants[].source .key .kind .licenseId .licenses[] .members[] .permissions[] "+
			".placedBy .productId .queueIds[] .quoteId .reportSchedule .roleIds[] .source .state .status .subject "+
			".timezone .to .undoes .userId [] [].id [].productId [].costCenter .lines[].id "+
			".autoPurchase.costCenter .autoPurchase.acknowledgedPrice.currency .autoPurchase.maxAmount.currency "+
			".policy.acknowledgedBy .policy.acknowledgedPrice.currency .policy.for[].grants[] .policy.for[].requestId "+
			".policy.for[].userId .policy.productId .total.currency .digest ."+strings.Join(strings.Fields(moneyPlain), " ."),
	),
	// Of itself a reason says what brought the change about: a request, a grant, a row of a file; of a correction
	// what stands on its line.
	things: "reason " + bothStates(".brandName"),
	theirs: together(
		inBoth(".name", name, "subject=user:@ $.userId"),
		inBoth(".email", address, "subject=user:@"),
		inBoth(".number", number, "$.userId"),
		inBoth(".reason .note", words, "user&$.state?"),
		// Why an order failed is a program's own sentence.
		inBoth(".fileName .why", loose, "subject=import:* subject=massConfiguration:*"),
		inBoth(".detail", loose, "$.kind=failed"),
	),
}
