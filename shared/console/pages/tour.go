package pages

import (
	"slices"
	"strconv"

	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// tourCookie keeps how many hints of the tour were put away, whatever the browser was shown of them.
const tourCookie = "tour"

// tourStep is a hint for who is here for the first time.
type tourStep struct {
	name, text string
	// link leads to the page that the hint is about.
	link, path string
	// needs are all needed: for what the hint tells, and for the page that it leads to.
	needs []auth.Permission
}

var tourSteps = []tourStep{
	{
		"Begin with licenses",
		"In Purchase you choose how many of each license, say which cost centers pay, and look at the charges before you " +
			"accept them. What is bought is yours to hand out at once.",
		"Choose licenses to buy", "purchase",
		[]auth.Permission{auth.BillingPurchase},
	},
	{
		"Hand them out",
		"In Licenses you assign each one to a person, or many at once. Have many phones to set up? Mass configuration takes " +
			"them from one spreadsheet, and shows what it would do before anything is done.",
		"Look at the licenses", "licenses",
		[]auth.Permission{auth.LicensesRead, auth.LicensesManage},
	},
	{
		"See who really uses them",
		"Usage has the last 30 days, who was active without a license, and the License Status Report to download.",
		"Look at the usage", "usage",
		[]auth.Permission{auth.UsageRead},
	},
}

// tour is the hint that is shown now, and its place among those that are for this person. Its
// length is 0 when there is none.
type tour struct {
	step        tourStep
	place, last int
	// done is the value of the cookie once this hint is put away.
	done int
	form *view.Form
}

func tourDone(c *web.Context) int {
	n, err := strconv.Atoi(c.Kept(tourCookie))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// tourOf is the first hint that was not put away and that the person may follow. An operator has no
// use for it where there is no account.
func tourOf(c *web.Context) tour {
	if _, there := c.AccountInfo(); c.Operator() && !there {
		return tour{}
	}
	done := tourDone(c)
	if done >= len(tourSteps) {
		c.Keep(tourCookie, c.Kept(tourCookie)) // a browser forgets what is never written again
	}
	now := tour{}
	for i, step := range tourSteps {
		if slices.ContainsFunc(step.needs, func(one auth.Permission) bool { return !c.May(one) }) {
			continue
		}
		now.last++
		if i >= done && now.done == 0 {
			now.step, now.place, now.done, now.form = step, now.last, i+1, c.NewForm()
		}
	}
	if now.done == 0 {
		return tour{}
	}
	return now
}

// showTour is for who loads the address of the tour's form again.
func showTour(c *web.Context, _ *view.Form) error { return c.GoTo(c.Link()) }

// sendTour puts a hint away, or all of them.
func sendTour(c *web.Context, f *view.Form) error {
	done, err := strconv.Atoi(f.Get("done"))
	if err != nil || f.Get("do") == "skip" {
		done = len(tourSteps)
	}
	c.Keep(tourCookie, strconv.Itoa(max(done, tourDone(c))))
	return c.GoTo(c.Link())
}
