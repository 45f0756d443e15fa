package main

import (
	"math"
	"slices"
)

// onlyCapacity is the value of -only that plays a billing day of many tenants.
const onlyCapacity = "capacity"

// AWS's published quotas, as an account has them without asking, and what template.yaml sets.
const (
	atOnceOfAccount = 1000   // functions of an AWS account at once
	gatewaySecond   = 500    // requests a second of the gateway: RateLimit of template.yaml; AWS's is 10,000
	tableSecond     = 40_000 // units a second of a table on demand, of reads and of writes
	partitionSecond = 1000   // write units a second of one partition
	longestRun      = 900    // seconds of an invocation
	betweenRuns     = 60     // seconds between two runs of a minute's schedule
	unitsOfMarker   = 6      // of a pending-work marker, written and deleted
)

// What the model takes for granted (docs/capacity.md).
const (
	workdays = 22
	// listsAtOnce is how many waiting lists, and accounts of a schedule, are read side by side.
	listsAtOnce = 16
	// messageOverhead is what is sent, received and deleted of a message beside its work, in seconds.
	messageOverhead = 0.02
	// throttled is how long a request keeps its function if the table refuses it throughout, in seconds: the waits
	// between the 16 attempts of the adapter.
	throttled = 5
	// patience is how long a caller tries again, a second after each refusal as the answer says, in seconds.
	patience = 30
	// lambdaTries is how often Lambda has an event tried that ran out of time, the first time included.
	lambdaTries = 3
	// reportWork and closingWork are seconds of processor time that a report, and a closed period, take beside
	// their calls: of 1,000 people and 300 licenses.
	reportWork, closingWork = 0.5, 0.2
	// askCalls are the calls by which an account is asked for the report and the period that are due.
	askCalls = 7
	// billingHour is the hour of the day in which the billing period of everybody has been over for 48
	// hours: all tenants in one time zone, on one billing day.
	billingHour = 5
)

// day is how the requests of a working day fall on its hours: the busiest has a seventh of them.
var workingDay = [24]float64{8: .06, 9: .11, 10: .13, 11: .12, 12: .07, 13: .10, 14: .14, 15: .13, 16: .09, 17: .05}

// tenantWork is what a tenant of 1,000 users takes, by counted calls.
type tenantWork struct {
	requests                 float64 // of a working day
	requestTime              float64 // seconds of one, on average
	reads, writes            float64 // units of a working day's requests
	markers                  float64 // pending-work markers of a working day
	minuteCalls, minuteReads float64 // of the minute's run, for a waiting list that stands still
	hourCalls, hourReads     float64 // of an hour's aggregation
	hourWrites               float64
	reportCalls, closeCalls  float64
	billingReads             float64 // units of a report and a period
	billingWrites            float64
}

// plan is how the deployment does what its schedules find.
type plan struct {
	name string
	// handsOn: the hour's aggregation is a message for each account; else one run does all accounts.
	handsOn bool
	// perList is how many seconds the minute's run takes for each waiting list.
	perList func(tenantWork) float64
	// foldsAtOnce is how many accounts are aggregated side by side.
	foldsAtOnce float64
	// buildersAtOnce is how many reports and periods are worked on side by side at most; 0 is no bound.
	buildersAtOnce float64
	// asksAtOnce is how many accounts are asked side by side which of their reports are due.
	asksAtOnce float64
	// markerPartitions are how many partitions the markers of a kind lie in, for n tenants.
	markerPartitions func(n float64) float64
}

// plans are the design that the issue computed, and that of now.
var plans = []plan{
	{
		name: "at first", foldsAtOnce: 4, asksAtOnce: 1,
		perList:          func(tenantWork) float64 { return 0.018 }, // the list, its people, the pool: one after the other
		markerPartitions: func(float64) float64 { return 1 },
	},
	{
		name: "now", handsOn: true, foldsAtOnce: messagesAtOnce, buildersAtOnce: 50, asksAtOnce: listsAtOnce,
		perList:          func(t tenantWork) float64 { return t.minuteCalls * callTime / listsAtOnce },
		markerPartitions: func(float64) float64 { return 16 }, // shards of the index
	},
}

// limit is something that can be used up.
type limit struct {
	name string
	most float64
	unit string
	// seen is what an operator sees when it is reached.
	seen string
}

// use is how much of a limit a day takes at most.
type use struct {
	limit
	peak   float64
	minute int // of the day, of the peak
	first  int // minute in which it was passed first; -1 if it never was
}

func (u *use) at(minute int, amount float64) {
	if amount > u.peak {
		u.peak, u.minute = amount, minute
	}
	if amount > u.most && u.first < 0 {
		u.first = minute
	}
}

// The limits, by their places among those of a day.
const (
	ofRequests = iota
	ofWaiting
	ofFunctions
	ofReads
	ofWrites
	ofMarkers
	ofMinute
	ofHour
	ofLeftOut
	ofAsking
	ofBuilding
	limits
)

// limitsOf are the limits of a plan, none of them used.
func limitsOf(p plan) []use {
	hour := limit{"an hour's aggregation", longestRun, "s", "SchedulesAlarm; the last accounts are never folded"}
	if p.handsOn {
		hour.most, hour.seen = 3600, "UnfinishedWorkAlarm"
	}
	uses := make([]use, limits)
	for i, l := range map[int]limit{
		ofRequests:  {"requests of the gateway", gatewaySecond, "a second", "429 of the gateway"},
		ofWaiting:   {"a request, with all its tries", patience, "s", "429 and 503; people give up"},
		ofFunctions: {"functions at once", atOnceOfAccount, "", "ConcurrencyAlarm; requests are refused with 429"},
		ofReads:     {"units read of the table", tableSecond, "a second", "ThrottlesAlarm"},
		ofWrites:    {"units written of the table", tableSecond, "a second", "ThrottlesAlarm"},
		ofMarkers:   {"units written of a partition of markers", partitionSecond, "a second", "ThrottlesAlarm"},
		ofMinute:    {"a minute's run", betweenRuns, "s", "runs overlap: UnfinishedWorkAlarm, seats come late"},
		ofHour:      hour,
		ofLeftOut:   {"accounts that an hour leaves out", 0, "", "SchedulesAlarm, every hour; usage that stands still"},
		ofAsking:    {"the run that asks for reports and periods", longestRun, "s", "SchedulesAlarm; some are asked for late"},
		ofBuilding:  {"reports and periods of a billing day", 24 * 3600, "s", "UnfinishedWorkAlarm; reports come late"},
	} {
		uses[i] = use{limit: l, first: -1}
	}
	return uses
}

// backlog is work that was begun in a minute of the day and is not done.
type backlog struct {
	left  float64 // accounts
	since int
}

// left is what schedules leave of a second for requests.
type left struct{ functions, reads, writes float64 }

// answer plays the requests of a minute, of so many a second, and those that wait: whoever is refused tries again each
// second, and keeps a function meanwhile if it was the table that refused. It tells how many functions are
// busy, and how long the last one waits.
func (b *backlog) answer(t tenantWork, arrive float64, l left) (busy, wait float64) {
	can := max(0, min(gatewaySecond, l.functions/t.requestTime,
		l.reads*t.requests/t.reads, l.writes*t.requests/t.writes))
	answered := min(arrive+b.left/60, can)
	through := min(arrive+b.left, gatewaySecond) // of what is tried in a second
	busy = min(answered*t.requestTime+(through-answered)*throttled, l.functions)
	b.left += (arrive - answered) * 60
	switch {
	case b.left < 1:
		return busy, t.requestTime
	case can == 0:
		return busy, math.Inf(1)
	}
	return busy, b.left / can
}

// hourBegins has all accounts aggregated that one hour's run reaches; where all are in one invocation, it is ended
// when its time is over, and the next try begins with the first account again.
func (p plan) hourBegins(n, folding float64) (accounts, leftOut float64) {
	if p.handsOn {
		return n, 0
	}
	reached := min(n, longestRun*p.foldsAtOnce/folding)
	if reached < n {
		return lambdaTries * reached, n - reached
	}
	return n, 0
}

// dayOf plays a billing day of n tenants, minute by minute. What is not done in its minute is there in the
// next one.
func dayOf(p plan, t tenantWork, n float64) []use {
	uses := limitsOf(p)
	folding := t.hourCalls*callTime + requestTime + messageOverhead
	building := (t.reportCalls+t.closeCalls)*callTime + reportWork + closingWork // seconds of an account
	var fold, build, asked backlog
	for minute := range 24 * 60 {
		share := workingDay[minute/60] / 3600 // of the day's requests, a second
		if minute%60 == 0 {
			accounts, leftOut := p.hourBegins(n, folding)
			fold = backlog{accounts, minute}
			uses[ofHour].at(minute, n*folding/p.foldsAtOnce)
			uses[ofLeftOut].at(minute, leftOut)
		}
		if minute == billingHour*60 {
			build = backlog{n, minute}
			uses[ofAsking].at(minute, n*askCalls*callTime/p.asksAtOnce)
		}
		folded := min(fold.left, 60*p.foldsAtOnce/folding)
		// Builders are started by the files that wake them up, all at once unless they are bounded.
		builders := build.left
		if p.buildersAtOnce > 0 {
			builders = min(builders, p.buildersAtOnce)
		}
		built := min(build.left, min(builders, max(0, atOnceOfAccount-folded*folding/60))*60/building)
		reads := n*t.minuteReads/60 + (folded*t.hourReads+built*t.billingReads)/60
		writes := (folded*t.hourWrites + built*t.billingWrites) / 60
		working := folded*folding/60 + builders
		busy, wait := asked.answer(t, n*t.requests*share, left{
			functions: max(0, atOnceOfAccount-working), reads: tableSecond - reads, writes: tableSecond - writes,
		})
		uses[ofRequests].at(minute, n*t.requests*share)
		uses[ofWaiting].at(minute, wait)
		uses[ofFunctions].at(minute, max(busy, n*t.requests*share*t.requestTime)+working)
		uses[ofReads].at(minute, n*t.reads*share+reads)
		uses[ofWrites].at(minute, n*t.writes*share+writes)
		uses[ofMarkers].at(minute, n*t.markers*share*unitsOfMarker/p.markerPartitions(n))
		uses[ofMinute].at(minute, n*p.perList(t))
		fold.left, build.left = fold.left-folded, build.left-built
		if built > 0 || build.left > 0 {
			uses[ofBuilding].at(minute, float64(minute-build.since+1)*60)
		}
	}
	return uses
}

// breaksAt is the number of tenants at which a limit is reached first, and which.
func breaksAt(p plan, t tenantWork) (tenants float64, first use) {
	low, high := 1.0, 1e7
	reached := func(n float64) (use, bool) {
		uses := dayOf(p, t, n)
		i := slices.IndexFunc(uses, func(u use) bool { return u.first >= 0 })
		if i < 0 {
			return use{}, false
		}
		return uses[i], true
	}
	for high/low > 1.01 {
		middle := math.Sqrt(low * high)
		if u, ok := reached(middle); ok {
			high, first = middle, u
		} else {
			low = middle
		}
	}
	return high, first
}
