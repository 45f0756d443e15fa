package pages

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// mostTold is how many people the effects of a change name; of the others they say how many.
const mostTold = 20

// effects are what a change would do, by a dry run of the very request that confirms it. Their plan
// goes into the form, so that what was shown is what is done.
type effects struct {
	told client.DryRun
	// known says that there is an answer; too much work is not foretold.
	known bool
	// deferred says that it was worked out behind the page.
	deferred bool
	// later is what the page has in its field deferred while the answer is worked out behind it.
	later string
	// refused is why the request would be refused; nil where it would not.
	refused *client.Error
	nameCalls

	people []client.Answer[client.UserPage]
	// called are those whom the page names already, by their ids.
	called map[string]string
}

// foretell are the calls that ask what a change would do, for the first round of its page.
func foretell[T any](
	c *web.Context, f *view.Form, e *effects, change func(context.Context, client.Change) (client.Answer[T], error),
) []func(context.Context) error {
	return e.foretell(c, f, func(ctx context.Context) (client.Told, error) {
		answer, err := change(ctx, client.Change{Dry: true})
		return answer.Told, err
	})
}

// foretell is foretell of a dry run, whatever its request answers.
func (e *effects) foretell(
	c *web.Context, f *view.Form, dry func(context.Context) (client.Told, error),
) []func(context.Context) error {
	return []func(context.Context) error{
		func(ctx context.Context) error {
			told, err := e.ask(ctx, c, f, dry)
			switch refused := client.As(err); {
			case e.later != "":
			case err == nil:
				e.told, e.known = told, true
				// Else it is sent once more under the same key; and to hold it to what took so long to work out
				// would take as long again.
				if f.Plan == "" && !e.deferred {
					f.Plan = told.Plan
				}
			case refused == nil || refused.Status == http.StatusUnauthorized:
				return err
			case refused.Status < http.StatusInternalServerError && refused.Status != http.StatusTooManyRequests:
				e.refused = refused
			}
			return nil
		},
		e.products(c),
	}
}

// deferred is the field that says which deferred dry run a page waits for, and of what decision it is.
const deferred = "_deferred"

// ask asks for a dry run, or how far the one is that was deferred. While it is under way, a page that was
// got asks again without being told to, and one that was sent is sent again by who reads it.
func (e *effects) ask(
	ctx context.Context, c *web.Context, f *view.Form, dry func(context.Context) (client.Told, error),
) (client.DryRun, error) {
	decided := decision(f)
	later := cmp.Or(f.Get(deferred), c.Query().Get(deferred))
	if id, of, _ := strings.Cut(later, "."); of == decided {
		answer, err := c.API.GetDeferred(ctx, id)
		switch d := answer.Body; {
		case client.Is(err, "not-found"): // it is asked for again
		case err != nil:
			return client.DryRun{}, err
		case d.Effects != nil:
			e.deferred = true
			return client.DryRun{Effects: *d.Effects, Plan: d.Plan}, nil
		case d.Problem != nil:
			return client.DryRun{}, &client.Error{Problem: *d.Problem, Status: int(d.Problem.Status)}
		default:
			e.wait(c, later)
			return client.DryRun{}, nil
		}
	}
	told, err := dry(ctx)
	if told.Later != "" {
		e.wait(c, told.Later+"."+decided)
	}
	return told.Foretold, err
}

// againAfter is how many seconds a page waits before it asks again.
const againAfter = 4

func (e *effects) wait(c *web.Context, later string) {
	e.later = later
	if c.R.Method == http.MethodGet {
		c.Again(againAfter, deferred, later)
	}
}

// knows enters what somebody is called whom the page has read itself.
func (e *effects) knows(id, name string) {
	if e.called == nil {
		e.called = map[string]string{}
	}
	e.called[id] = name
}

// names are the calls of a page's second round that name the people.
func (e *effects) names(c *web.Context) []func(context.Context) error {
	var ids []string
	for _, p := range e.listed() {
		if e.called[p.UserID] == "" {
			ids = append(ids, p.UserID)
		}
	}
	var calls []func(context.Context) error
	e.people, calls = usersNamed(c, ids)
	if len(e.charges()) > 0 && e.centers.Status == 0 {
		calls = append(calls, e.costCenters(c))
	}
	return calls
}

func (e *effects) listed() []client.PersonEffect {
	return e.told.Effects.Users[:min(len(e.told.Effects.Users), mostTold)]
}

// person is what a user is called.
func (e *effects) person(id string) string {
	for _, page := range e.people {
		for _, u := range page.Body.Items {
			if u.ID == id {
				return u.Name
			}
		}
	}
	return cmp.Or(e.called[id], id)
}

// fault is why the change would be refused, as a page shows it.
func (e *effects) fault(c *web.Context) *view.Fault {
	return problemFault(c, e.refused.Problem)
}

// problemFault is a problem of the API as a page shows it.
func problemFault(c *web.Context, p client.Problem) *view.Fault {
	slug := (&client.Error{Problem: p}).Slug()
	return &view.Fault{Title: p.Title, Detail: p.Detail, Slug: slug, Fields: p.Errors, Href: c.Link("problems", slug)}
}

// show is what the change does, in words and figures.
func (e *effects) show(c *web.Context, f *view.Form) view.Effect {
	if e.later != "" {
		return view.Effect{Stale: f.Stale, Later: e.later, Untold: waiting(c)}
	}
	if !e.known {
		return view.Effect{Stale: f.Stale, Untold: "There is more of it than can be told beforehand. Afterwards it is told what was done."}
	}
	n := c.Format()
	out := view.Effect{Stale: f.Stale}
	for _, s := range e.told.Effects.Seats {
		if e.isMetered(s.ProductID) {
			out.Used = append(out.Used, view.SeatTurn{Name: e.product(s.ProductID), Assigned: turned(n, s.Assigned)})
			continue
		}
		out.Seats = append(out.Seats, view.SeatTurn{
			Name: e.product(s.ProductID), Bought: turned(n, s.Bought), Assigned: turned(n, s.Assigned),
			Free: turned(n, s.Available), Waiting: turned(n, s.Waiting),
		})
	}
	for _, p := range e.listed() {
		if does := e.does(p); does != "" {
			out.People = append(out.People, view.PersonTurn{Name: e.person(p.UserID), Does: does})
		}
	}
	if more := e.told.Effects.Counts.Users - int64(len(e.listed())); more > 0 {
		out.More = "and " + n.Count(more, "more person", "more people")
	}
	out.Notes = append(append(e.extensions(), e.charged(n)...), e.costs(n))
	return out
}

func turned(n *view.Format, pair []int64) view.Turned {
	if len(pair) != 2 {
		return view.Turned{}
	}
	return view.Turned{Before: n.Number(pair[0]), After: n.Number(pair[1])}
}

// does is what becomes of a person, to follow their name.
func (e *effects) does(p client.PersonEffect) string {
	var parts []string
	for _, one := range []struct {
		verb     string
		products []string
	}{
		{"gets", p.Gains}, {"gives back", p.Loses}, {"begins to wait for", p.Waits}, {"waits no longer for", p.Stops},
	} {
		var called []string
		for _, id := range one.products {
			called = append(called, e.product(id)+e.withExtension(p.UserID, id))
		}
		if len(called) > 0 {
			parts = append(parts, one.verb+" "+strings.Join(called, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// withExtension is the extension that somebody gets or gives back with a phone, to stand after its name. Another
// license shows its holder's, which stays theirs.
func (e *effects) withExtension(user, product string) string {
	if e.item(product).Kind != kindBase {
		return ""
	}
	for _, l := range e.told.Effects.Licenses {
		for _, s := range []*client.LicenseState{l.After, l.Before} {
			if s != nil && s.UserID == user && s.ProductID == product && s.Extension != "" {
				return " with extension " + s.Extension
			}
		}
	}
	return ""
}

// addUp makes the effects of several requests those of one. It is for requests that take nothing from each
// other.
func (e *effects) addUp(more client.Effects) {
	sum := &e.told.Effects
	for _, s := range more.Seats {
		i := slices.IndexFunc(sum.Seats, func(have client.SeatEffect) bool { return have.ProductID == s.ProductID })
		if i < 0 {
			sum.Seats = append(sum.Seats, s)
			continue
		}
		have := sum.Seats[i]
		addTurn(have.Bought, s.Bought)
		addTurn(have.Assigned, s.Assigned)
		addTurn(have.Available, s.Available)
		addTurn(have.Waiting, s.Waiting)
	}
	sum.Users = append(sum.Users, more.Users...)
	sum.Licenses = append(sum.Licenses, more.Licenses...)
	sum.Counts.Users += more.Counts.Users
	more.Money.DueToday.Amount += sum.Money.DueToday.Amount
	more.Money.Recurring.Amount += sum.Money.Recurring.Amount
	sum.Money = more.Money
}

// addTurn adds the change of one count to that of another one; both are before and after.
func addTurn(to, turn []int64) {
	if len(to) == 2 && len(turn) == 2 {
		to[1] += turn[1] - turn[0]
	}
}

// extensions says what becomes of the extension of the one license that changes hands.
func (e *effects) extensions() []string {
	var said []string
	for _, l := range e.told.Effects.Licenses {
		if l.Before == nil || l.After == nil || e.item(l.After.ProductID).Kind != kindBase {
			continue
		}
		switch was, is := l.Before.Extension, l.After.Extension; {
		case l.Before.UserID == l.After.UserID:
			if was != is {
				said = append(said, e.product(l.After.ProductID)+" of "+e.person(l.After.UserID)+" has "+
					anExtension(is)+" then; it has "+anExtension(was)+" now.")
			}
		case is != "" && was == is:
			said = append(said, "The license keeps extension "+is+".")
		case is != "" && was != "":
			said = append(said, "The license has extension "+is+" then; it is "+was+" now.")
		case was != "":
			said = append(said, "The license ends without extension; it is "+was+" now.")
		}
	}
	if len(said) > 1 {
		return nil // of many a file or the list says it
	}
	return said
}

// anExtension is an extension, or that there is none.
func anExtension(extension string) string {
	if extension == "" {
		return "no extension"
	}
	return "extension " + extension
}

// charges counts the licenses that another cost center is charged for, by its code.
func (e *effects) charges() map[string]int64 {
	moved := map[string]int64{}
	for _, l := range e.told.Effects.Licenses {
		if l.Before != nil && l.After != nil && l.Before.CostCenter != l.After.CostCenter {
			moved[l.After.CostCenter]++
		}
	}
	return moved
}

// charged says how many licenses another cost center is charged for.
func (e *effects) charged(n *view.Format) []string {
	var said []string
	moved := e.charges()
	for _, code := range slices.Sorted(maps.Keys(moved)) {
		said = append(said, n.Count(moved[code], "license is", "licenses are")+" charged to "+e.center(code)+".")
	}
	return said
}

// costs says what becomes of the charges.
func (e *effects) costs(n *view.Format) string {
	m := e.told.Effects.Money
	var parts []string
	if m.DueToday.Amount != 0 {
		parts = append(parts, n.Money(m.DueToday)+" are due today.")
	}
	switch month := m.Recurring; {
	case month.Amount > 0:
		parts = append(parts, "You pay "+n.Money(month)+" more a month.")
	case month.Amount < 0:
		month.Amount = -month.Amount
		less := "you pay " + n.Money(month) + " less a month."
		if slices.ContainsFunc(e.told.Effects.Seats, e.isSmaller) {
			less = "From the next billing date on " + less
		}
		parts = append(parts, title(less))
	case m.DueToday.Amount == 0:
		parts = append(parts, "What you pay stays the same.")
	}
	return strings.Join(parts, " ")
}

// isMetered says whether a product is charged by use, and never bought.
func (e *effects) isMetered(product string) bool { return e.item(product).Kind == kindMetered }

// isSmaller says whether fewer seats of a product are bought than before, which are paid for until the
// next billing date; what is charged by use is charged no longer at once.
func (e *effects) isSmaller(s client.SeatEffect) bool {
	return len(s.Bought) == 2 && s.Bought[1] < s.Bought[0] && !e.isMetered(s.ProductID)
}

// sees says that a form asks what its choice does, and not for it to be done.
func sees(f *view.Form) bool { return f.Get("see") != "" }

// heldTo is the change of a form in which something is chosen. It is held to the effects that were
// shown as long as what is chosen is what they were of, which the page has put beside the choice.
func heldTo(c *web.Context, f *view.Form, chosen string) client.Change {
	change := c.Change(f)
	if f.Get("told") != chosen {
		change.Plan = ""
	}
	return change
}

// hold keeps a form to the effects that were shown only while it chooses what they were of.
func hold(f *view.Form) {
	if f.Get("told") != decision(f) {
		f.Plan = ""
	}
}

// decision is all that a form decides, in short: whoever changes any of it afterwards is not held to
// what was shown.
func decision(f *view.Form) string {
	decided := url.Values{}
	for name, values := range f.Values {
		if !strings.HasPrefix(name, "_") && !slices.Contains([]string{"see", "told", "q", "do", "shown"}, name) {
			decided[name] = nonEmpty(values)
		}
	}
	sum := sha256.Sum256([]byte(decided.Encode()))
	return hex.EncodeToString(sum[:8])
}

// tells says that a form with a choice is to show what it does: somebody asks for that, or the effects
// that it was held to are other ones by now.
func tells(f *view.Form) bool { return sees(f) || f.Replanned }

// waiting is what a page says whose effects are being worked out.
func waiting(c *web.Context) string {
	if c.R.Method == http.MethodGet {
		return "There is much of it, and it is being worked out. It is shown here as soon as it is known."
	}
	return "There is much of it, and it is being worked out. Ask again in a moment: Show what this does."
}

// of is what a choice does, as a form shows it; choice is what was chosen.
func (e *effects) of(c *web.Context, f *view.Form, choice string) view.Told {
	switch {
	case e.refused != nil:
		return view.Told{Fault: e.fault(c)}
	case e.known, e.later != "":
		shown := e.show(c, f)
		return view.Told{Effect: &shown, Choice: choice}
	}
	return view.Told{}
}

// changes says whether a license is among those that change.
func (e *effects) changes(license string) bool {
	return slices.ContainsFunc(e.told.Effects.Licenses, func(l client.LicenseEffect) bool { return l.ID == license })
}
