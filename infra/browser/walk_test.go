package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/console/client"
	"seatwise/shared/console/pages"
)

// mostOfOne is how many addresses of one route a walk goes to: two may differ in what they show.
const mostOfOne = 2

// mostRead is how many are read for their links.
const mostRead = 10

// stop is an address of the console; a file is not looked at.
type stop struct {
	route, path string
	file        bool
}

// routes are those of all pages that are read.
func routes() []string {
	var all []string
	for _, page := range pages.All() {
		for _, route := range page.Routes {
			all = append(all, route.Path)
		}
	}
	return all
}

// routeOf is the route of a path below the account. A word wins over a parameter.
func routeOf(path string, all []string) (string, bool) {
	best, found := "", false
	for _, route := range all {
		r, p := strings.Split(route, "/"), strings.Split(path, "/")
		fits := len(r) == len(p)
		for i := range min(len(r), len(p)) {
			fits = fits && (r[i] == p[i] || strings.HasPrefix(r[i], "{"))
		}
		if fits && (!found || strings.Count(route, "{") < strings.Count(best, "{")) {
			best, found = route, true
		}
	}
	return best, found
}

// walk finds addresses of every route of an account by following links, as a person without script
// does. What no link leads to is among the first addresses.
func walk(b *consolewalk.Browser, account string, first ...string) []stop {
	root, all := "/console/"+account+"/", routes()
	var found []stop
	times, queue, seen := map[string]int{}, append([]string{root}, first...), map[string]bool{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		below, inside := strings.CutPrefix(path, root)
		plain, _, _ := strings.Cut(below, "?")
		route, known := routeOf(plain, all)
		if !inside || seen[path] || !known || times[route] >= mostRead && !slices.Contains(first, path) {
			continue
		}
		seen[path] = true
		p := b.Get(path)
		times[route]++
		file := p.Header.Get("Content-Disposition") != ""
		if p.Status != http.StatusOK {
			continue
		}
		if times[route] <= mostOfOne || slices.Contains(first, path) {
			found = append(found, stop{route, path, file})
		}
		for _, a := range p.Elements("a") {
			for _, attribute := range a.Attr {
				if at, err := url.Parse(attribute.Val); attribute.Key == "href" && err == nil && at.Host == "" {
					queue = append(queue, at.RequestURI())
				}
			}
		}
	}
	return found
}

// axe is the text of axe-core, as npm has installed it.
var axe = sync.OnceValues(func() (string, error) {
	root, err := runnerprocess.Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, ".tools", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		return "", fmt.Errorf("axe-core is not there; `make .tools/axe/installed` gets it: %w", err)
	}
	return string(text), nil
})

// judge lets axe look at the page as it is now. Every rule of WCAG 2.2, A and AA, counts, and every
// one that axe calls good practice.
func (p *person) judge(state string) {
	p.t.Helper()
	text, err := axe()
	p.must(err)
	if !asks[bool](p, `typeof axe === "object"`) {
		asks[any](p, text+";0")
	}
	for _, fault := range asks[[]string](p, `axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		resultTypes: ["violations"],
	}).then((r) => r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) =>
		v.id + ": " + v.help + ": " + n.html.slice(0, 200) + " " + (n.any[0]?.message ?? n.failureSummary ?? ""))))`) {
		p.t.Errorf("%s, %s: %s", p.at(), state, fault)
	}
}

// fits demands that the page is not wider than its window, at each width that is held to.
func (p *person) fits() {
	p.t.Helper()
	for _, width := range []int64{360, 768, 1440} {
		p.size(width, 800)
		if wide := asks[[]string](p, `(() => {
			const room = document.documentElement.clientWidth;
			if (document.documentElement.scrollWidth <= room) return [];
			const clipped = (e) => e.closest(".skip, nav.pages, .unseen") ||
				getComputedStyle(e.parentElement).overflowX !== "visible";
			const over = (e) => e.getBoundingClientRect().right > room + 1 && !clipped(e);
			const list = [...document.querySelectorAll("body *")].filter((e) => over(e) && ![...e.children].some(over));
			return ["is " + document.documentElement.scrollWidth + " wide",
				...list.slice(0, 4).map((e) => e.outerHTML.slice(0, 160))];
		})()`); len(wide) > 0 {
			p.t.Errorf("%s scrolls sideways at %d: %s", p.at(), width, strings.Join(wide, "\n\t"))
		}
	}
	p.size(wide, tall)
}

// readsPlaceholders demands that what stands in empty fields is not cut off, at the widths at which
// the page that is there is seen.
func (p *person) readsPlaceholders() {
	p.t.Helper()
	for _, width := range []int64{360, 768, 1440} {
		p.size(width, 800)
		if cut := asks[[]string](p, `(() => {
			const pen = document.createElement("canvas").getContext("2d");
			return [...document.querySelectorAll("input[placeholder]")].filter((i) => {
				if (!i.offsetParent) return false; // it is not seen
				i.focus(); // as who is about to type; on a telephone the search is a square until then
				const style = getComputedStyle(i);
				pen.font = style.font;
				const room = i.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
				return pen.measureText(i.placeholder).width > room;
			}).map((i) => i.placeholder + " in " + i.clientWidth);
		})()`); len(cut) > 0 {
			p.t.Errorf("%s cuts off at %d: %s", p.at(), width, strings.Join(cut, ", "))
		}
	}
	p.size(wide, tall)
}

// TestEveryPageForEverybody looks at every route of every page, full, empty and with names that are
// hard to set: axe finds nothing, light and dark, wide and narrow, and nothing scrolls sideways.
func TestEveryPageForEverybody(t *testing.T) {
	o := open(t)
	for name, account := range map[string]func(testing.TB, *office) string{
		"full": full, "empty": empty, "hard names": hardNames,
	} {
		t.Run(name, func(t *testing.T) {
			id := account(t, o)
			stops := walk(o.console.SignIn(t, id, "ada"), id, unlinked(t, o, id)...)
			if name == "full" {
				everyRoute(t, stops)
			}
			p := sit(t, byMouse)
			p.signIn(id, "ada")
			for _, s := range parts.Today(stops) {
				if !s.file {
					p.visit(s.path)
					p.suitsEverybody()
				}
			}
		})
	}
}

// suitsEverybody looks at the page that is there in each way in which it can be seen.
func (p *person) suitsEverybody() {
	p.t.Helper()
	p.fits()
	p.judge("light")
	p.dark("dark")
	p.judge("dark")
	p.size(360, 800)
	p.judge("dark and narrow")
	// Menus close each other, so one is open; what unfolds is all open.
	asks[any](p, `(() => {
		for (const d of document.querySelectorAll("details:not(.menu)")) d.open = true;
		for (const d of [...document.querySelectorAll("main details.menu")].slice(-1)) d.open = true;
	})()`)
	p.judge("dark and narrow, with what opens")
	p.dark("light")
	p.fits()
}

// everyRoute demands that the walk came to every page.
func everyRoute(t *testing.T, stops []stop) {
	t.Helper()
	for _, route := range routes() {
		if !slices.ContainsFunc(stops, func(s stop) bool { return s.route == route }) {
			t.Errorf("no link leads to %s: make a link, or name an address in unlinked", route)
		}
	}
}

func full(testing.TB, *office) string { return "demo" }

// unlinked are addresses that no link leads to, since a button does.
func unlinked(t testing.TB, o *office, account string) []string {
	t.Helper()
	root := "/console/" + account + "/"
	first := []string{
		root + "cart/new-cost-center", root + "cart/now?product=live-reports&quantity=2",
		root + "cart/now/split?product=live-reports&whole=4",
		root + "licenses/selected", root + "problems/validation", root + "live-reports/users",
		root + "licenses?product=phone-system&status=assigned", root + "mass-configurations/sample",
		root + "search?q=zoe", root + "search?q=nobody-at-all", root + "tour", root + "under-way",
		root + "accounts/of/" + account + "/erase", root + "directory?sort=-Name",
	}
	api := o.console.API(t, account, "ada")
	if queues, err := api.ListCallQueues(t.Context(), client.ListCallQueuesQuery{}); err == nil {
		for _, q := range queues.Body.Items[:min(1, len(queues.Body.Items))] {
			chosen := url.Values{"members": q.Members}
			first = append(first, root+"live-reports/queues/"+q.ID+"/remove?"+chosen.Encode())
		}
	}
	first = append(first, excluded(t, api, root)...)
	first = append(first, planned(t, api, root)...)
	first = append(first, exchanged(t, api, root)...)
	first = append(first, reclaimed(t, api, root)...)
	if users, err := api.ListUsers(t.Context(), client.ListUsersQuery{Limit: 2}); err == nil {
		given := url.Values{"product": {"live-reports"}}
		for _, u := range users.Body.Items {
			given.Add("user", u.ID)
		}
		first = append(first, root+"licenses/give?"+given.Encode(), root+"licenses/take?"+given.Encode())
		for _, u := range users.Body.Items[:min(1, len(users.Body.Items))] {
			first = append(first, root+"directory/users/"+u.ID+"/invite") // linked where people are invited
		}
		who := url.Values{"user": given["user"]}.Encode()
		first = append(first, root+"licenses/take?"+who, root+"directory/selected?"+who,
			root+"directory/selected?what=take&role=super-admin&"+who)
	}
	cart, err := api.GetCart(t.Context())
	if err != nil {
		return first
	}
	for _, line := range cart.Body.Lines {
		first = append(first, root+"cart/lines/"+line.ID+"/split")
	}
	if quote, err := api.CreateQuote(t.Context(), client.CreateQuoteRequest{}, key()); err == nil {
		first = append(first, root+"cart/review/"+quote.Body.ID)
	}
	if list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{Status: []string{"available"}}); err == nil {
		for _, l := range list.Body.Items[:min(1, len(list.Body.Items))] {
			chosen := url.Values{"license": {l.ID + "~" + l.ProductID + "~"}}
			for _, do := range []string{"assign", "unassign", "cost-center", "terminate"} {
				chosen.Set("do", do)
				first = append(first, root+"licenses/selected?"+chosen.Encode())
			}
			foretold := url.Values{"license": chosen["license"], "do": {"cost-center"}, "costCenter": {"CC-1"}}
			first = append(first, root+"licenses/selected?"+foretold.Encode())
		}
	}
	return first
}

// empty is an account in which there is nothing but itself.
func empty(t testing.TB, o *office) string {
	t.Helper()
	id := newAccount()
	_, err := o.console.API(t, id, "ada").PutAccount(t.Context(), client.PutAccountRequest{
		Name: "Nothing", Brand: "RingCentral", Currency: "USD", Timezone: "America/Detroit", BillingDay: 15,
		Bundle: "standard",
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// hard are names as long as they may be, of the other direction, and with what pages, sheets and
// scripts could take for their own.
var hard = []string{
	strings.Repeat("W", 64), "عبد الرحمن بن عبد العزيز", "<script>alert(1)</script>", "=1+1",
	`"><img src=x onerror=alert(1)>`,
}

// hardNames is an account in which everything has such a name.
func hardNames(t testing.TB, o *office) string {
	t.Helper()
	id, ctx := newAccount(), t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	api := o.console.Account(t, id, map[string]int64{"live-reports": 3, "phone-system": 6})
	must(api.PatchAccount(ctx, client.PatchAccountRequest{Name: &hard[0]}, key()))
	var members, queues []string
	var charged []client.QuoteLineInput
	for i, name := range hard {
		user := fmt.Sprintf("user-%d", i)
		members = append(members, user)
		must(api.PutUser(ctx, user, client.PutUserRequest{Name: name}, key()))
		code := fmt.Sprintf("CC-%d%s", 10+i, strings.Repeat("X", 40))
		must(api.PutCostCenter(ctx, code, client.PutCostCenterRequest{Name: name}, key()))
		charged = append(charged, client.QuoteLineInput{ProductID: "live-reports", Quantity: 1, CostCenter: code})
		must(api.PutRole(ctx, fmt.Sprintf("role-%d", i), client.PutRoleRequest{Name: name}, key()))
	}
	quote, err := api.CreateQuote(ctx, client.CreateQuoteRequest{Lines: &charged}, key())
	must(quote, err)
	order := client.PlaceOrderRequest{QuoteID: quote.Body.ID, Acknowledged: new(true)}
	must(api.PlaceOrder(ctx, order, key()))
	for i, name := range hard {
		queue := fmt.Sprintf("queue-%d", i)
		queues = append(queues, queue)
		must(api.PutCallQueue(ctx, queue, client.PutCallQueueRequest{Name: name, Members: client.Set(members)}, key()))
		must(api.PutDashboard(
			ctx, fmt.Sprintf("dashboard-%d", i), client.PutDashboardRequest{Name: name, QueueIDs: client.Set(queues)},
			key(),
		))
	}
	s := scene{person: &person{t: t, o: o}, account: id, api: api}
	for i, name := range hard {
		must(o.console.API(t, id, members[i], "roles").CreateRequest(
			ctx, client.CreateRequestRequest{ProductID: "developer", Reason: name}, key(),
		))
	}
	for i, user := range members {
		s.give("phone-system", user, fmt.Sprint(101+i))
	}
	must(api.AddCartLine(
		ctx, client.AddCartLineRequest{ProductID: "live-reports", Quantity: 2, CostCenter: new("CC-1")}, key(),
	))
	return id
}

// excluded takes an automatic license away, so that its holder is excluded from getting another one.
func excluded(t testing.TB, api *client.Client, root string) []string {
	t.Helper()
	list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{
		Product: []string{"live-reports"}, Status: []string{"assigned"},
	})
	if err != nil {
		return nil
	}
	for _, l := range list.Body.Items {
		if len(l.Grants) == 1 && strings.HasPrefix(l.Grants[0].Source, "queue:") {
			if _, err := api.UnassignLicense(t.Context(), l.ID, key()); err != nil {
				t.Fatal(err)
			}
			return []string{root + "live-reports/exclusions/live-reports/" + l.UserID}
		}
	}
	return nil
}

// planned uploads a file with a row of each outcome, which nobody configures.
func planned(t testing.TB, api *client.Client, root string) []string {
	t.Helper()
	job := checked(t, api, "plan.csv", "Ext Key,Number,User,Addon license 1\n"+
		"7001,16567897001,,device_ip_phone\n101,16567890101,ada,call_recording\n7002,,nobody,device_fax\n")
	first := []string{root + "mass-configurations/" + job, root + "mass-configurations/" + job + "/cancel"}
	fine := checked(t, api, "fine.csv", "Ext Key,Number,User\n7003,16567897003,\n")
	for _, below := range []string{"", "/configure", "/cancel"} {
		first = append(first, root+"mass-configurations/"+fine+below)
	}
	return first
}

// checked uploads a file of phones by the API and waits until it is checked.
func checked(t testing.TB, api *client.Client, name, text string) (id string) {
	t.Helper()
	job, err := api.CreateMassConfiguration(t.Context(), client.CreateMassConfigurationRequest{
		FileName: name, SizeBytes: int64(len(text)),
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	put(t, job.Body.Upload, text)
	await(t, name, func() (string, error) {
		now, err := api.GetMassConfiguration(t.Context(), job.Body.ID)
		return now.Body.State, err
	})
	return job.Body.ID
}

// exchanged are the pages of an import that nobody applies, and of an export.
func exchanged(t testing.TB, api *client.Client, root string) []string {
	t.Helper()
	ctx := t.Context()
	const text = "User,Name\nivy,Ivy Imported\n"
	job, err := api.CreateImport(ctx, client.CreateImportRequest{
		Kind: "users", FileName: "people.csv", SizeBytes: int64(len(text)),
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	put(t, job.Body.Upload, text)
	await(t, "people.csv", func() (string, error) {
		now, err := api.GetImport(ctx, job.Body.ID)
		return now.Body.State, err
	})
	export, err := api.CreateExport(ctx, client.CreateExportRequest{Kind: "users"}, key())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the export", func() (string, error) {
		now, err := api.GetExport(ctx, export.Body.ID)
		return now.Body.State, err
	})
	imported, exported := root+"directory/imports/"+job.Body.ID, root+"directory/exports/"+export.Body.ID
	return []string{imported, imported + "/apply", imported + "/cancel", exported, exported + "/file"}
}

// reclaimed has a seat taken back that a person does not have, so that all keep theirs, and gives the
// pages of that.
func reclaimed(t testing.TB, api *client.Client, root string) []string {
	t.Helper()
	const product = "developer"
	job, err := api.CreateReclaim(t.Context(), client.CreateReclaimRequest{
		ProductID: product, Days: 365, UserIDs: &[]string{"ada"},
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	done := root + "billing/reclaims/" + job.Body.ID
	return []string{
		root + "billing/idle/reclaim?product=" + product + "&days=365", done, done + "/undo",
		root + "billing/policies/" + product,
	}
}

// put uploads a file to the place that the API gave.
func put(t testing.TB, place *client.Upload, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), place.Method, place.URL, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for header, value := range place.Headers {
		request.Header.Set(header, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the file is not taken: %s", response.Status)
	}
}

// await waits until a job is done, or waits for a person.
func await(t testing.TB, name string, state func() (string, error)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(glance) {
		now, err := state()
		if err != nil {
			t.Fatal(err)
		}
		if now == "ready" || now == "rejected" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is %s", name, now)
		}
	}
}
