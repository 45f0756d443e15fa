package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The people: a first and a last name for each, so that some share one of them.
var (
	firstNames = []string{
		"Ada",
		"Ben",
		"Chloé",
		"Diego",
		"Emma",
		"Farid",
		"Grace",
		"Hiro",
		"Ines",
		"Jonas",
		"Karen",
		"Lisa",
		"Mark",
		"Nora",
		"Omar",
		"Priya",
		"Quinn",
		"Rosa",
		"Sven",
		"Tara",
	}
	lastNames = []string{"Adams", "Brown", "Costa", "Dvořák", "Evans", "Fischer", "García", "Hansen"}
)

type person struct {
	id, name, extension, number, costCenter string
}

// people are n of them, always the same.
func people(n int) []person {
	list := make([]person, n)
	for i := range list {
		first, last := firstNames[i%len(firstNames)], lastNames[(i*3+i/len(firstNames))%len(lastNames)]
		list[i] = person{
			id:         fmt.Sprintf("%s.%d", strings.ToLower(ascii(first)), i+101),
			name:       first + " " + last,
			extension:  fmt.Sprint(i + 101),
			number:     fmt.Sprintf("1656789%04d", i+101),
			costCenter: costCenters[i%len(costCenters)][0],
		}
	}
	list[0].id = "ada"
	return list
}

// ascii keeps what an id may hold.
func ascii(name string) string {
	return strings.NewReplacer("é", "e", "í", "i", "ř", "r", "á", "a").Replace(name)
}

var costCenters = [][2]string{{"CC-100", "Support"}, {"CC-200", "Sales"}, {"CC-300", "Operations"}}

// What the year has: how many there are when it begins, how many more come each month, and what is
// bought for them.
const (
	atFirst    = 36
	eachMonth  = 3
	supervisor = 5 // one person in this many looks at dashboards
	phones     = 30
)

var queues = []string{"detroit", "belmont", "billing", "returns", "vip"}

// errThere says that the account is there already.
var errThere = errors.New("the account is there")

// year lets a year pass: it begins where the clock is, and ends at a time.
func (c *client) year(end time.Time, out io.Writer) error {
	random := rand.New(rand.NewPCG(2026, 1)) // the same each time
	everybody := people(atFirst + 12*eachMonth)
	c.login("provider", "olga", "accounts.manage")
	if status, _ := c.peek("/v1/accounts/" + c.account); status == http.StatusOK {
		return errThere
	}
	c.in(http.MethodPut, "", map[string]any{
		"name":       "Demo Telephone",
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     "standard",
	})
	c.login(c.account, "ada", everything())
	for _, cc := range costCenters {
		c.in(http.MethodPut, "/cost-centers/"+cc[0], map[string]string{"name": cc[1]})
	}
	c.login("provider", "olga", "accounts.manage")
	c.in(http.MethodPatch, "", map[string]any{"costCenter": costCenters[0][0]})
	c.login(c.account, "ada", everything())
	c.begin(everybody[:atFirst])
	staff := everybody[:atFirst]
	for day := 1; c.err == nil; day++ {
		at := c.now.Truncate(24*time.Hour).AddDate(0, 0, 1).Add(20 * time.Hour)
		if at.After(end) {
			break
		}
		c.at(at)
		if at.Day() == 1 {
			month := (day + 15) / 30
			fmt.Fprintf(out, "  %s: %d people\n", at.Format("January 2006"), len(staff))
			staff = everybody[:min(len(everybody), len(staff)+eachMonth)]
			c.month(month, staff)
		}
		if at.Day() == reportsDay {
			c.invoke("ReportBuilderFunction")
		}
		if weekday := at.Weekday(); weekday != time.Saturday && weekday != time.Sunday {
			c.views(random, staff, at)
		}
		c.invoke("UsageAggregationFunction")
		if day%7 == 0 {
			c.invoke("MaintenanceFunction")
		}
	}
	c.last(staff)
	return c.err
}

// reportsDay is the day of a month on whose evening the month before is over for 48 hours
// everywhere, so that its scheduled report is due.
const reportsDay = 3

// peek reads without giving up when there is nothing.
func (c *client) peek(path string) (int, []byte) {
	status, body := c.send(http.MethodGet, c.base+path, map[string]string{"Authorization": "Bearer " + c.token}, nil)
	if status == http.StatusNotFound {
		c.err = nil
	}
	return status, body
}

// begin is the first day: roles, people by a file, seats, phones by a file, call queues and
// dashboards.
func (c *client) begin(staff []person) {
	c.in(http.MethodPut, "/roles/supervisor", map[string]any{
		"name":        "Supervisor",
		"permissions": []string{"liveReports.view", "directory.read", "usage.read"},
		"licenses":    []string{"reports-supervisor"},
	})
	c.in(http.MethodPut, "/roles/agent", map[string]any{
		"name":        "Agent",
		"permissions": []string{"directory.read"},
		"licenses":    []string{"professional-user"},
	})
	var file strings.Builder
	file.WriteString("User,Name,Email,Extension,Number,Active,Agent source,Role 1,Cost Center\n")
	for i, p := range staff {
		fmt.Fprintf(&file, "%s,%s,%s@demo.example,,,yes,,%s,%s\n", p.id, p.name, p.id, role(i), p.costCenter)
	}
	job, _ := c.upload("/imports", answer{"kind": "users", "fileName": "people.csv"}, file.String())
	c.apply(job, "apply")
	for i, cc := range costCenters {
		c.order(line("live-reports", 12-3*i, cc[0]), line("phone-system", 14, cc[0]),
			line("device_ip_phone", 10, cc[0]), line("call_recording", 6, cc[0]))
	}
	// A first attempt has a wrong code in it, and is rejected; the second one is right.
	c.upload("/mass-configurations", answer{"fileName": "phones draft.csv"},
		"Ext Key,Number,User,Addon license 1\n101,16567890101,ada,device_fax\n")
	file.Reset()
	file.WriteString("Ext Key,Number,User,Addon license 1,Addon license 2\n")
	for i, p := range staff[:phones] {
		recording := ""
		if i%2 == 0 {
			recording = "call_recording"
		}
		fmt.Fprintf(&file, "%s,%s,%s,%s,%s\n", p.extension, p.number, p.id,
			map[bool]string{true: "device_ip_phone"}[i%3 != 0], recording)
	}
	if job, state := c.upload("/mass-configurations", answer{"fileName": "phones.csv"},
		file.String()); state == "ready" {
		c.apply(job, "configure")
	} else if c.err == nil {
		c.err = fmt.Errorf("%s is %s", job, state)
	}
	for i, queue := range queues[:3] {
		c.queue(queue, staff, i)
	}
	c.in(http.MethodPut, "/dashboards/support", map[string]any{"name": "Support", "queueIds": queues[:2]})
	c.in(http.MethodPut, "/dashboards/back-office", map[string]any{"name": "Back office", "queueIds": queues[2:3]})
	c.in(http.MethodPut, "/metrics/licenses/wallboards", map[string]int{"max": 4})
	for i, kind := range []string{"analytics", "live-analytics", "live-analytics"} {
		c.in(http.MethodPut, fmt.Sprintf("/wallboards/hall-%d", i+1),
			map[string]string{"name": fmt.Sprintf("Hall %d", i+1), "kind": kind, "userId": staff[supervisor*i].id})
	}
}

// role is what a person is by the place in the list; the first is the admin.
func role(i int) string {
	switch {
	case i == 0:
		return "super-admin"
	case i%supervisor == 0:
		return "supervisor"
	}
	return "agent"
}

// queue puts every fifth agent into a call queue.
func (c *client) queue(id string, staff []person, n int) {
	var members []string
	for i, p := range staff {
		if role(i) == "agent" && i%len(queues) == (n+1)%len(queues) || role(i) == "agent" && n > 2 && i%7 == n {
			members = append(members, p.id)
		}
	}
	c.in(http.MethodPut, "/call-queues/"+id,
		map[string]any{"name": strings.ToUpper(id[:1]) + id[1:], "members": members})
}

// month is the first of a month: some people come, the call queues follow, one leaves in summer,
// and more is bought every quarter, until the year's last one, in which nobody does: people wait,
// and there is overage.
func (c *client) month(n int, staff []person) {
	for i := len(staff) - eachMonth; i < len(staff); i++ {
		p := staff[i]
		c.in(http.MethodPut, "/users/"+p.id, map[string]any{
			"name":    p.name,
			"email":   p.id + "@demo.example",
			"roleIds": []string{role(i)},
			"active":  true,

			"costCenter": p.costCenter,
		})
	}
	for i, queue := range queues[:3] {
		c.queue(queue, staff, i)
	}
	switch n {
	case 3, 6:
		c.order(line("live-reports", 4, costCenters[n%3][0]), line("phone-system", 6, costCenters[n%3][0]))
	case 5: // a call queue of its own, on a dashboard of its own
		c.queue(queues[3], staff, 3)
		c.in(http.MethodPut, "/dashboards/returns", map[string]any{"name": "Returns", "queueIds": queues[3:4]})
	case 7:
		c.in(http.MethodPut, "/users/"+staff[17].id, map[string]any{
			"name":    staff[17].name,
			"email":   staff[17].id + "@demo.example",
			"roleIds": []string{},
			"active":  false,

			"costCenter": staff[17].costCenter,
		})
	case 9:
		c.in(http.MethodPut, "/dashboards/support", map[string]any{"name": "Support", "queueIds": queues[:3]})
	case 10: // more agents than seats
		c.queue(queues[4], staff, 4)
		c.in(http.MethodPut, "/dashboards/vip",
			map[string]any{"name": "VIP", "queueIds": []string{queues[4], queues[1]}})
	}
}

// views are those of one workday: each supervisor who is there looks at a dashboard or two.
func (c *client) views(random *rand.Rand, staff []person, at time.Time) {
	dashboards := []string{"support", "back-office"}
	var events []map[string]any
	for i, p := range staff {
		if r := role(i); r == "agent" || random.IntN(5) == 0 {
			continue
		}
		for n := range 1 + random.IntN(3) {
			when := at.Add(-time.Duration(1+random.IntN(9*60)) * time.Minute)
			events = append(events, map[string]any{
				"id":          fmt.Sprintf("%s-%s-%d", at.Format("060102"), p.id, n),
				"userId":      p.id,
				"dashboardId": dashboards[random.IntN(len(dashboards))],
				"at":          when.Format(time.RFC3339),
			})
		}
	}
	for some := range slices.Chunk(events, 500) {
		c.in(http.MethodPost, "/usage/views", map[string]any{"events": some})
	}
}

// wishes are what some people have asked for, and what became of it: two wait for ada, one is approved
// and waits for a seat, and one is denied.
func (c *client) wishes(staff []person) {
	ask := func(p person, product, reason string) (path string) {
		c.login(c.account, p.id, "roles")
		return "/requests/" + c.in(http.MethodPost, "/requests",
			map[string]string{"productId": product, "reason": reason}).text("id")
	}
	ask(staff[4], "developer", "I keep the connection to our shop working")
	ask(staff[9], "call-group", "A number for the whole returns desk")
	approved := ask(staff[7], "developer", "I write the reports for Operations")
	denied := ask(staff[12], "auto-attendant", "A menu for Sundays")
	c.login(c.account, "ada", everything())
	c.in(http.MethodPost, approved+"/approve", nil)
	c.in(http.MethodPost, denied+"/deny", map[string]string{"note": "The one of Support has a Sunday menu: ask Ben"})
}

// last is today: a file that somebody took back, a report, some requests, and a cart that nobody has ordered yet.
func (c *client) last(staff []person) {
	p := staff[phones]
	job, _ := c.upload("/mass-configurations", answer{"fileName": "one more.csv"},
		fmt.Sprintf("Ext Key,Number,User,Addon license 1\n%s,%s,%s,call_recording\n", p.extension, p.number, p.id))
	c.apply(job, "configure")
	undo := "/mass-configurations/" + c.in(http.MethodPost, job+"/undo", nil).text("id")
	c.until(undo, "ready")
	c.apply(undo, "configure")
	report := "/reports/" + c.in(http.MethodPost, "/reports", map[string]string{"kind": "license-status"}).text("id")
	c.until(report, "ready")
	c.wishes(staff)
	c.in(http.MethodPut, "/cart",
		map[string]any{"lines": []map[string]any{line("live-reports", 10, costCenters[0][0])}})
}
