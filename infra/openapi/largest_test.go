package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/table"
)

// Whatever the contract allows in one call can be answered, and answered again (requirements,
// section 10). The table of this file has a row for every operation; a new operation without one
// fails the test.

// lambdaAnswer is how many bytes an answer of a function may have in AWS: 6 MB, of which some go
// for escapes.
const lambdaAnswer = 5 << 20

// big is the largest allowed request of an operation, after what is there for it was made.
type big struct {
	path string // below the account; absolute if it begins with /v1 or /docs
	body any
	// below says which resource of kinds it leaves in its largest state, if any: it is then got and
	// put back.
	resource string
}

// The longest that the contract allows.
var (
	longName = strings.Repeat("\U0001F4DE", 200) // 200 characters of 4 bytes
	longID   = strings.Repeat("i", 64)
	longUser = strings.Repeat("u", 128)
	longCode = strings.Repeat("C", 64)
)

// nth is an id of the length of another, with a number in it.
func nth(id string, n int) string {
	tail := fmt.Sprintf("%06d", n)
	return id[:len(id)-len(tail)] + tail
}

func many[T any](n int, each func(i int) T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = each(i)
	}
	return all
}

// crowd makes users with the longest ids and names, without a request for each.
func (l *law) crowd(n int) []string {
	l.t.Helper()
	return l.crowdOf(longUser, n)
}

func (l *law) crowdOf(like string, n int) []string {
	l.t.Helper()
	users := many(n, func(i int) string { return nth(like, i) })
	var ops []table.Operation
	put := func(key table.Key, v any) {
		data, err := json.Marshal(v)
		if err != nil {
			l.t.Fatal(err)
		}
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.IfAbsent))
	}
	for _, id := range users {
		put(
			table.Key{Partition: call.Partition(l.Account, "USERS"), Sort: id},
			object{"id": id, "name": longName, "active": true},
		)
		put(license.HolderKey(l.Account, id), license.Holder{UserID: id, Name: longName, Active: true})
	}
	for batch := range slices.Chunk(ops, call.MaxOperations) {
		if err := l.Env.Table.Commit(l.t.Context(), batch); err != nil {
			l.t.Fatal(err)
		}
	}
	return users
}

// plant stores things with ids as they are, without a request for each.
func (l *law) plant(kind string, things []object) {
	l.t.Helper()
	for batch := range slices.Chunk(things, call.MaxOperations) {
		var ops []table.Operation
		for _, thing := range batch {
			data, err := call.Encode(thing)
			if err != nil {
				l.t.Fatal(err)
			}
			key := table.Key{Partition: call.Partition(l.Account, kind), Sort: fmt.Sprint(thing["id"])}
			ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.IfAbsent))
		}
		if err := l.Env.Table.Commit(l.t.Context(), ops); err != nil {
			l.t.Fatal(err)
		}
	}
}

// repeatAudit writes the last audit entry a number of times more, as if it had been made again.
func (l *law) repeatAudit(n int) {
	l.t.Helper()
	log := table.Query{Index: table.Index1, Partition: call.Partition(l.Account, "AUDIT"), Backwards: true, Limit: 1}
	page, err := l.Env.Table.Query(l.t.Context(), log)
	if err != nil || len(page.Items) == 0 {
		l.t.Fatalf("no audit entry: %v", err)
	}
	for i := range n {
		item := page.Items[0]
		behind := fmt.Sprintf("#%03d", i)
		item.Sort += behind
		for k := range item.IndexKeys {
			if item.IndexKeys[k].Sort != "" {
				item.IndexKeys[k].Sort += behind
			}
		}
		if err := l.Env.Table.Commit(l.t.Context(), []table.Operation{table.Put(item, table.IfAbsent)}); err != nil {
			l.t.Fatal(err)
		}
	}
}

// heldSinceYesterday makes users with the longest ids who hold Live Reports since yesterday.
func (l *law) heldSinceYesterday(n int) []string {
	l.t.Helper()
	users := l.crowd(n)
	l.buy(n, "live-reports")
	l.must(http.MethodPost, "/assignments", object{"items": many(n, func(i int) object {
		return object{"productId": "live-reports", "userId": users[i]}
	})})
	l.Clock.Add(24 * time.Hour)
	return users
}

// reclaimed reclaims the seats of such users, and is the path of the reclaim.
func (l *law) reclaimed(n int) string {
	l.t.Helper()
	l.heldSinceYesterday(n)
	begun := l.must(http.MethodPost, "/reclaims", object{"productId": "live-reports", "days": 1})
	return "/reclaims/" + fmt.Sprint(begun["id"])
}

// largestPolicy is one whose cost center is there.
func (l *law) largestPolicy() object {
	l.t.Helper()
	l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
	return object{"lowSeats": 100_000, "idleDays": 366, "autoPurchase": object{
		"enabled": true, "maxSeats": 100_000, "costCenter": longCode,
		"maxAmount":         object{"amount": 1_000_000_000_000, "currency": "USD"},
		"acknowledgedPrice": object{"amount": 1_000_000_000_000, "currency": "USD"},
	}}
}

// buy orders seats, and answers the ids of the licenses of the first product.
func (l *law) buy(n int, products ...string) []string {
	l.t.Helper()
	l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
	lines := []object{}
	for _, p := range products {
		lines = append(lines, object{"productId": p, "quantity": n, "costCenter": longCode})
	}
	quote := l.must(http.MethodPost, "/quotes", object{"lines": lines})
	order := l.must(http.MethodPost, "/orders", object{"quoteId": quote["id"], "acknowledged": true})
	var ids []string
	for after := ""; ; {
		page := l.must(
			http.MethodGet,
			fmt.Sprintf("/licenses?limit=200&order=%v&product=%s%s", order["id"], products[0], after),
			nil,
		)
		for _, item := range items(l.t, page) {
			ids = append(ids, fmt.Sprint(item["id"]))
		}
		next, more := page["nextCursor"].(string)
		if !more {
			return ids
		}
		after = "&cursor=" + next
	}
}

// cart fills the cart with as many lines as there may be.
func (l *law) cart(n int) []string {
	l.t.Helper()
	l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
	cart := l.must(http.MethodPut, "/cart", object{"lines": l.lines(n)})
	var ids []string
	lines, _ := cart["lines"].([]any)
	for _, line := range lines {
		one, _ := line.(object)
		ids = append(ids, fmt.Sprint(one["id"]))
	}
	return ids
}

// product has the longest name and id of what can be bought.
const product = "license_call_recording_unlimited_enabled"

func (*law) lines(n int) []object {
	return many(n, func(int) object { return object{"productId": product, "quantity": 250, "costCenter": longCode} })
}

// plan uploads a file and checks it; the answer is the path of the job.
func (l *law) plan(below string, ask object, file string) string {
	l.t.Helper()
	ask["sizeBytes"] = len(file)
	job := l.must(http.MethodPost, below, ask)
	upload, _ := job["upload"].(object)
	at, err := url.Parse(fmt.Sprint(upload["url"]))
	if err != nil {
		l.t.Fatal(err)
	}
	key := strings.TrimPrefix(at.Path, "/"+l.Env.Files.Name(files.Uploads)+"/")
	body := strings.NewReader(file)
	info, err := l.Env.Files.Put(
		l.t.Context(),
		files.Ref{Bucket: files.Uploads, Key: key},
		body,
		body.Size(),
		"text/csv",
	)
	if err != nil {
		l.t.Fatal(err)
	}
	check := registry.One(l.Env, "MassConfigurationCheckFunction")
	if err := check.Event(l.t.Context(), memoryfiles.Event(info, fixtures.Start)); err != nil {
		l.t.Fatal(err)
	}
	return below + "/" + fmt.Sprint(job["id"])
}

// carryOut wakes the workers of files.
func (l *law) carryOut() {
	l.t.Helper()
	apply := registry.One(l.Env, "MassConfigurationApplyFunction")
	for _, wakeUp := range l.box.Take() {
		if err := apply.Event(l.t.Context(), memoryfiles.Event(wakeUp, fixtures.Start)); err != nil {
			l.t.Fatal(err)
		}
	}
}

// phones is a file of a number of rows, each with a fault of its own in many columns.
func (l *law) phones(good, bad int) string {
	var b strings.Builder
	b.WriteString("Ext Key,Number,User,Addon license 1\n")
	for i := range good {
		fmt.Fprintf(&b, "%d,+16567%06d,%s,device_ip_phone\n", 1000+i, i, nth(longUser, i))
	}
	for i := range bad {
		fmt.Fprintf(&b, "x%d,no number,%s,%s\n", i, strings.Repeat("n", 900), strings.Repeat("a", 900))
	}
	return b.String()
}

// ready is a mass configuration that is to be applied, with as many faults beside it as are shown.
func (l *law) ready() string {
	l.t.Helper()
	l.crowd(3)
	return l.plan("/mass-configurations", object{"fileName": longFile, "skipErrors": true}, l.phones(3, 300))
}

func (l *law) readyImport() string {
	l.t.Helper()
	var b strings.Builder
	b.WriteString("Call queue,Name,Member 1\nq1,One,\n")
	for i := range 300 {
		fmt.Fprintf(&b, "%s,Name,%s\n", strings.Repeat("q", 900), strings.Repeat("m", 900+i))
	}
	return l.plan("/imports", object{"kind": "call-queues", "fileName": longFile, "skipErrors": true}, b.String())
}

var longFile = strings.Repeat("f", 196) + ".csv"

// queue makes a call queue of the most members with the longest ids that it may have then.
func (l *law) queue(id string, users []string) {
	l.t.Helper()
	l.must(http.MethodPut, "/call-queues/"+id, object{"name": longName, "members": users})
}

// plantQueue is queue of the most members, none of them a user, without settling them.
func (l *law) plantQueue(id string) {
	l.t.Helper()
	users := many(20_000, func(i int) string { return nth(longUser[:97], i) })
	l.plant("QUEUES", []object{{"id": id, "name": longName, "chunks": len(users) / 2500}})
	n := 0
	for chunk := range slices.Chunk(users, 2500) {
		data, err := call.Encode(chunk)
		if err != nil {
			l.t.Fatal(err)
		}
		key := table.Key{
			Partition: call.Partition(l.Account, "QUEUE-MEMBERS", id),
			Sort:      fmt.Sprintf("MEMBERS#%04d", n),
		}
		if err := l.Env.Table.Commit(
			l.t.Context(),
			[]table.Operation{table.Put(table.Item{Key: key, Data: data}, table.IfAbsent)},
		); err != nil {
			l.t.Fatal(err)
		}
		n++
	}
}

// fullest are as many members as a queue may have, with ids that fill what its list may have.
func (l *law) fullest() []string { l.t.Helper(); return l.crowdOf(longUser[:97], 20_000) }

// largest has the largest request that is allowed of every operation.
var largest = map[string]func(l *law) big{
	"put-account":   func(l *law) big { return big{"", l.largestAccount(), ""} },
	"patch-account": func(l *law) big { return big{"", l.largestAccount(), ""} },

	"put-cost-center": func(*law) big {
		return big{"/cost-centers/" + longCode, object{"name": longName, "fenced": true}, "/cost-centers/{code}"}
	},
	"patch-cost-center": func(*law) big {
		return big{"/cost-centers/CC-1", object{"name": longName, "fenced": true}, "/cost-centers/{code}"}
	},
	"delete-cost-center": func(l *law) big {
		l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
		return big{path: "/cost-centers/" + longCode}
	},

	"put-cart":   func(l *law) big { l.cart(1); return big{"/cart", object{"lines": l.lines(40)}, "/cart"} },
	"patch-cart": func(l *law) big { l.cart(1); return big{"/cart", object{"lines": l.lines(40)}, "/cart"} },
	"delete-cart": func(l *law) big {
		l.cart(40)
		return big{path: "/cart"}
	},
	"charge-cart": func(l *law) big {
		return big{"/cart/cost-center", object{"costCenter": "CC-1", "lineIds": l.cart(40)}, "/cart"}
	},
	"add-cart-line": func(l *law) big { l.cart(39); return big{"/cart/lines", l.lines(1)[0], "/cart"} },
	"patch-cart-line": func(l *law) big {
		return big{
			"/cart/lines/" + l.cart(40)[39],
			object{"productId": "developer", "quantity": 249, "costCenter": "CC-1"},
			"/cart",
		}
	},
	"delete-cart-line": func(l *law) big { return big{path: "/cart/lines/" + l.cart(40)[39], resource: "/cart"} },
	"split-cart-line": func(l *law) big {
		ids := l.cart(1)
		parts := many(40, func(i int) object { return object{"quantity": 6 + i/39*10, "costCenter": longCode} })
		return big{"/cart/lines/" + ids[0] + "/split", object{"parts": parts}, "/cart"}
	},
	"merge-cart-lines": func(l *law) big { return big{"/cart/merge", object{"lineIds": l.cart(40)}, "/cart"} },
	"correct-period": func(l *law) big {
		l.closedPeriod()
		return big{"/billing/corrections", object{
			"corrects": "2026-06-01", "productId": "live-reports", "costCenter": longCode,
			"amount": object{"amount": -100, "currency": "USD"}, "reason": strings.Repeat("r", 300),
		}, ""}
	},
	"create-quote": func(l *law) big { l.cart(1); return big{"/quotes", object{"lines": l.lines(40)}, ""} },
	"place-order": func(l *law) big {
		l.cart(40)
		quote := l.must(http.MethodPost, "/quotes", object{})
		return big{"/orders", object{"quoteId": quote["id"], "acknowledged": true}, ""}
	},

	"assign-products": func(l *law) big {
		users := l.crowd(1000)
		l.buy(1000, "phone-system")
		return big{"/assignments", object{"items": many(1000, func(i int) object {
			return object{"productId": "phone-system", "userId": users[i], "extension": fmt.Sprintf("%010d", i)}
		})}, ""}
	},
	"remove-products": func(l *law) big {
		users := l.crowd(1000)
		l.buy(1000, "live-reports")
		given := many(1000, func(i int) object { return object{"productId": "live-reports", "userId": users[i]} })
		l.must(http.MethodPost, "/assignments", object{"items": given})
		return big{"/assignments/remove", object{"items": given}, ""}
	},
	"change-cost-center": func(l *law) big {
		return big{"/licenses/cost-center", object{"licenseIds": l.buy(1000, product), "costCenter": "CC-1"}, ""}
	},
	"terminate-licenses": func(l *law) big {
		return big{"/licenses/terminate", object{"licenseIds": l.buy(1000, product)}, ""}
	},
	"change-license": func(l *law) big {
		l.buy(1, product)
		return big{"/licenses/" + l.shelf[0], object{"costCenter": longCode}, ""}
	},
	"assign-license": func(l *law) big {
		return big{
			"/licenses/" + l.shelf[0] + "/assign",
			object{"userId": l.crowd(1)[0], "extension": "0123456789"},
			"",
		}
	},
	"unassign-license": func(l *law) big { return big{path: "/licenses/" + l.phone() + "/unassign"} },
	"reassign-license": func(l *law) big {
		return big{"/licenses/" + l.phone() + "/reassign", object{"userId": l.crowdOf(longUser[:127], 1)[0]}, ""}
	},
	"terminate-license": func(l *law) big { return big{path: "/licenses/" + l.shelf[0] + "/terminate"} },
	"set-add-ons": func(l *law) big {
		id := l.phone()
		l.must(http.MethodPut, "/licenses/"+id+"/add-ons", object{"productIds": []string{}})
		return big{"/licenses/" + id + "/add-ons", object{"productIds": addOns}, "/licenses/{id}/add-ons"}
	},
	"patch-add-ons": func(l *law) big {
		return big{"/licenses/" + l.phone() + "/add-ons", object{"productIds": addOns[:1]}, "/licenses/{id}/add-ons"}
	},
	"lift-exclusion": func(l *law) big {
		user := l.crowd(1)
		l.queue("q", user)
		l.must(http.MethodPut, "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
		l.must(
			http.MethodPost,
			"/assignments/remove",
			object{"items": []object{{"productId": "live-reports", "userId": user[0]}}},
		)
		return big{path: "/exclusions/live-reports/" + user[0]}
	},

	"put-user":    func(l *law) big { return big{"/users/" + longUser, l.largestUser(), "/users/{id}"} },
	"patch-user":  func(l *law) big { return big{"/users/" + l.crowd(1)[0], l.largestUser(), "/users/{id}"} },
	"delete-user": func(l *law) big { return big{path: "/users/" + l.crowd(1)[0]} },
	"invite-user": func(l *law) big {
		l.must(http.MethodPut, "/users/"+longUser, l.largestUser())
		return big{path: "/users/" + longUser + "/invite"}
	},
	"put-role": func(*law) big { return big{"/roles/" + longID, largestRole(), "/roles/{id}"} },
	"patch-role": func(l *law) big {
		l.must(http.MethodPut, "/roles/"+longID, object{"name": "R"})
		return big{"/roles/" + longID, largestRole(), "/roles/{id}"}
	},
	"delete-role": func(l *law) big {
		l.must(http.MethodPut, "/roles/"+longID, largestRole())
		return big{path: "/roles/" + longID}
	},
	"put-call-queue": func(l *law) big {
		return big{"/call-queues/" + longID, object{"name": longName, "members": l.fullest()}, "/call-queues/{id}"}
	},
	"patch-call-queue": func(l *law) big {
		l.queue(longID, nil)
		return big{"/call-queues/" + longID, object{"members": l.crowd(15_267)}, "/call-queues/{id}"}
	},
	"delete-call-queue": func(l *law) big {
		l.plantQueue(longID)
		return big{path: "/call-queues/" + longID}
	},
	"put-dashboard": func(l *law) big {
		return big{"/dashboards/" + longID, object{"name": longName, "queueIds": l.queues(40)}, "/dashboards/{id}"}
	},
	"patch-dashboard": func(l *law) big {
		l.must(http.MethodPut, "/dashboards/"+longID, object{"name": "D"})
		return big{"/dashboards/" + longID, object{"name": longName, "queueIds": l.queues(40)}, "/dashboards/{id}"}
	},
	"delete-dashboard": func(l *law) big {
		l.must(http.MethodPut, "/dashboards/"+longID, object{"name": longName, "queueIds": l.queues(40)})
		return big{path: "/dashboards/" + longID}
	},

	"put-wallboard": func(l *law) big { return big{"/wallboards/" + longID, l.largestWallboard(), "/wallboards/{id}"} },
	"patch-wallboard": func(l *law) big {
		body := l.largestWallboard()
		l.must(http.MethodPut, "/wallboards/"+longID, body)
		return big{"/wallboards/" + longID, object{"name": longName + "", "kind": "live-analytics"}, "/wallboards/{id}"}
	},
	"delete-wallboard": func(l *law) big {
		l.must(http.MethodPut, "/wallboards/"+longID, l.largestWallboard())
		return big{path: "/wallboards/" + longID}
	},
	"put-wallboard-maximum": func(*law) big {
		return big{"/metrics/licenses/wallboards", object{"max": 100_000}, "/metrics/licenses/wallboards"}
	},
	"patch-wallboard-maximum": func(*law) big {
		return big{"/metrics/licenses/wallboards", object{"max": 99_999}, "/metrics/licenses/wallboards"}
	},

	"post-usage-views": func(l *law) big {
		users := l.crowd(1000)
		return big{"/usage/views", object{"events": many(1000, func(i int) object {
			return object{
				"id":          strings.Repeat("e", 196) + fmt.Sprintf("%04d", i),
				"userId":      users[i],
				"dashboardId": longID,
				"at":          fixtures.Start,
			}
		})}, ""}
	},
	"post-usage-activity": func(l *law) big {
		users := l.crowd(1000)
		return big{"/usage/activity", object{"events": many(1000, func(i int) object {
			return object{
				"id":        strings.Repeat("e", 196) + fmt.Sprintf("%04d", i),
				"userId":    users[i],
				"productId": "license_call_recording_unlimited_enabled",
				"at":        fixtures.Start,
			}
		})}, ""}
	},
	"post-report": func(*law) big {
		return big{"/reports", object{"kind": "license-status", "from": "2026-06-01", "to": "2026-07-01"}, ""}
	},

	"create-mass-configuration":    func(*law) big { return big{"/mass-configurations", largestUpload(), ""} },
	"configure-mass-configuration": func(l *law) big { return big{path: l.ready() + "/configure"} },
	"cancel-mass-configuration":    func(l *law) big { return big{path: l.ready() + "/cancel"} },
	"undo-mass-configuration": func(l *law) big {
		at := l.ready()
		l.must(http.MethodPost, at+"/configure", nil)
		l.carryOut()
		return big{path: at + "/undo"}
	},
	"create-import": func(*law) big {
		body := largestUpload()
		body["kind"] = "call-queues"
		return big{"/imports", body, ""}
	},
	"apply-import":  func(l *law) big { return big{path: l.readyImport() + "/apply"} },
	"cancel-import": func(l *law) big { return big{path: l.readyImport() + "/cancel"} },
	"create-export": func(*law) big { return big{"/exports", object{"kind": "call-queues", "format": "xlsx"}, ""} },

	"create-request":   func(l *law) big { return big{"/requests", largestRequest(l.crowd(1)[0], product), ""} },
	"approve-request":  func(l *law) big { return big{path: l.requests(1)[0] + "/approve"} },
	"withdraw-request": func(l *law) big { return big{path: l.requests(1)[0] + "/withdraw"} },
	"deny-request":     func(l *law) big { return big{l.requests(1)[0] + "/deny", object{"note": longName}, ""} },

	// What reads is asked for the largest page of the largest things.
	"get-request": func(l *law) big { return big{path: l.requests(1)[0]} },
	"list-requests": func(l *law) big {
		l.requests(200)
		return big{path: "/requests?limit=200"}
	},
	"list-requestable": func(*law) big { return big{path: "/requests/products?limit=200"} },
	"get-docs":         func(*law) big { return big{path: "/docs"} },
	"get-docs-file":    func(*law) big { return big{path: "/docs/start.js"} },
	"get-health":       func(*law) big { return big{path: "/v1/health"} },
	"get-openapi-json": func(*law) big { return big{path: "/v1/openapi.json"} },
	"get-openapi-yaml": func(*law) big { return big{path: "/v1/openapi.yaml"} },
	"get-me":           func(*law) big { return big{path: "/v1/me"} },
	"list-catalog":     func(*law) big { return big{path: "/v1/catalog?limit=200"} },
	"list-accounts": func(l *law) big {
		for i := range 201 {
			l.AddAccount(l.t, nth(longID, i), "standard")
		}
		return big{path: "/v1/accounts?limit=200"}
	},
	"get-account":     func(*law) big { return big{} },
	"get-cost-center": func(*law) big { return big{path: "/cost-centers/CC-1"} },
	"list-cost-centers": func(l *law) big {
		for i := range 201 {
			l.must(http.MethodPut, "/cost-centers/"+nth(longCode, i), object{"name": longName})
		}
		return big{path: "/cost-centers?limit=200"}
	},
	"get-cart": func(l *law) big { l.cart(40); return big{path: "/cart"} },
	"get-quote": func(l *law) big {
		l.cart(40)
		return big{path: "/quotes/" + fmt.Sprint(l.must(http.MethodPost, "/quotes", object{})["id"])}
	},
	"get-order":     func(l *law) big { return big{path: "/orders/" + l.order(40)} },
	"get-statement": func(l *law) big { return big{path: "/orders/" + l.order(40) + "/statement"} },
	"list-orders": func(l *law) big {
		l.order(40)
		return big{path: "/orders?limit=200"}
	},
	"list-periods": func(*law) big { return big{path: "/billing/periods?limit=200"} },
	"get-period":   func(l *law) big { l.order(40); return big{path: "/billing/periods/current"} },
	"get-period-statement": func(l *law) big {
		l.order(40)
		return big{path: "/billing/periods/current/statement"}
	},
	"get-period-workbook": func(l *law) big {
		l.order(40)
		return big{path: "/billing/periods/current/workbook"}
	},
	"list-period-lines": func(l *law) big {
		l.order(40)
		return big{path: "/billing/periods/current/lines?limit=200"}
	},
	"compare-period": func(l *law) big {
		l.order(40)
		return big{path: "/billing/periods/current/differences?limit=200"}
	},
	"get-period-line": func(l *law) big {
		l.order(40)
		lines, _ := l.must(http.MethodGet, "/billing/periods/current/lines", nil)["items"].([]any)
		line, _ := lines[0].(object)
		return big{path: "/billing/periods/current/lines/" + fmt.Sprint(line["id"]) + "?limit=200"}
	},
	"get-billing":  func(l *law) big { l.order(40); return big{path: "/billing"} },
	"get-license":  func(l *law) big { return big{path: "/licenses/" + l.phone()} },
	"list-add-ons": func(l *law) big { return big{path: "/licenses/" + l.phone() + "/add-ons"} },
	"list-licenses": func(l *law) big {
		users := l.crowd(201)
		l.buy(201, "live-reports")
		l.must(http.MethodPost, "/assignments", object{"items": many(201, func(i int) object {
			return object{"productId": "live-reports", "userId": users[i]}
		})})
		return big{path: "/licenses?limit=200"}
	},
	"summarize-licenses": func(l *law) big { l.order(40); return big{path: "/licenses/summary"} },
	"list-waiting": func(l *law) big {
		l.queue("q", l.crowd(201))
		l.must(http.MethodPut, "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
		return big{path: "/waiting?limit=200"}
	},
	"list-exclusions": func(l *law) big { return big{path: "/exclusions?limit=200"} },
	"list-users":      func(l *law) big { l.crowd(201); return big{path: "/users?limit=200"} },
	"get-user": func(l *law) big {
		l.must(http.MethodPut, "/users/"+longUser, l.largestUser())
		return big{path: "/users/" + longUser}
	},
	"list-user-licenses": func(l *law) big {
		l.must(http.MethodPut, "/users/"+longUser, l.largestUser())
		return big{path: "/users/" + longUser + "/licenses?limit=200"}
	},
	"explain-license": func(l *law) big {
		user := l.crowd(1)[0]
		for i := range 40 {
			l.queue(nth(longID, i), []string{user})
		}
		for d := range 5 {
			l.must(http.MethodPut, "/dashboards/"+nth(longID, d), object{
				"name": longName, "queueIds": many(40, func(i int) string { return nth(longID, i) }),
			})
		}
		return big{path: "/users/" + user + "/why?product=live-reports"}
	},
	"get-role": func(l *law) big {
		l.must(http.MethodPut, "/roles/"+longID, largestRole())
		return big{path: "/roles/" + longID}
	},
	"list-roles": func(l *law) big {
		for i := range 201 {
			l.must(http.MethodPut, "/roles/"+nth(longID, i), largestRole())
		}
		return big{path: "/roles?limit=200"}
	},
	"get-call-queue": func(l *law) big {
		l.plantQueue(longID)
		return big{path: "/call-queues/" + longID}
	},
	"list-call-queues": func(l *law) big {
		for i := range 4 {
			l.plantQueue(nth(longID, i))
		}
		return big{path: "/call-queues?limit=200"}
	},
	"get-dashboard": func(l *law) big {
		l.must(http.MethodPut, "/dashboards/"+longID, object{"name": longName, "queueIds": l.queues(40)})
		return big{path: "/dashboards/" + longID}
	},
	"list-dashboards": func(l *law) big {
		queues := l.queues(40)
		l.plant(
			"DASHBOARDS",
			many(201, func(i int) object { return object{"id": nth(longID, i), "name": longName, "queueIds": queues} }),
		)
		return big{path: "/dashboards?limit=200"}
	},
	"get-wallboard": func(l *law) big {
		l.must(http.MethodPut, "/wallboards/"+longID, l.largestWallboard())
		return big{path: "/wallboards/" + longID}
	},
	"list-wallboards": func(l *law) big {
		board := l.largestWallboard()
		for i := range 201 {
			l.must(http.MethodPut, "/wallboards/"+nth(longID, i), board)
		}
		return big{path: "/wallboards?limit=200"}
	},
	"get-license-metrics":   func(*law) big { return big{path: "/metrics/licenses"} },
	"get-wallboard-maximum": func(*law) big { return big{path: "/metrics/licenses/wallboards"} },
	"list-idle-seats": func(l *law) big {
		users := l.crowd(201)
		l.buy(201, "live-reports")
		l.must(http.MethodPost, "/assignments", object{"items": many(201, func(i int) object {
			return object{"productId": "live-reports", "userId": users[i]}
		})})
		return big{path: "/idle?days=0&limit=200"}
	},
	"create-reclaim": func(l *law) big {
		users := l.heldSinceYesterday(1000)
		return big{"/reclaims", object{"productId": "live-reports", "days": 1, "userIds": users}, ""}
	},
	"undo-reclaim":       func(l *law) big { return big{path: l.reclaimed(200) + "/undo"} },
	"get-reclaim":        func(l *law) big { return big{path: l.reclaimed(1000)} },
	"list-reclaims":      func(l *law) big { l.reclaimed(10); return big{path: "/reclaims?limit=200"} },
	"list-reclaim-seats": func(l *law) big { return big{path: l.reclaimed(300) + "/seats?limit=200"} },
	"put-policy": func(l *law) big {
		return big{"/policies/live-reports", l.largestPolicy(), "/policies/{product}"}
	},
	"patch-policy": func(l *law) big {
		l.must(http.MethodPut, "/policies/live-reports", object{})
		return big{"/policies/live-reports", l.largestPolicy(), "/policies/{product}"}
	},
	"delete-policy": func(l *law) big {
		l.must(http.MethodPut, "/policies/live-reports", l.largestPolicy())
		return big{path: "/policies/live-reports"}
	},
	"get-policy": func(l *law) big {
		l.must(http.MethodPut, "/policies/live-reports", l.largestPolicy())
		return big{path: "/policies/live-reports"}
	},
	"list-policies": func(l *law) big {
		l.must(http.MethodPut, "/policies/live-reports", l.largestPolicy())
		return big{path: "/policies?limit=200"}
	},
	"list-alerts": func(l *law) big {
		l.plant("ALERTS", many(201, func(i int) object {
			return object{
				"id":      fmt.Sprint(1000 + i),
				"kind":    "failed",
				"state":   "over",
				"since":   fixtures.Start,
				"until":   fixtures.Start,
				"subject": "massConfiguration:" + longID,
				"detail":  longName + longName,
			}
		}))
		return big{path: "/alerts?limit=200"}
	},
	"get-usage-summary": func(*law) big { return big{path: "/usage/summary"} },
	// A day of an account is some 400 bytes of the answer, and a window has 366 days at most.
	"get-cost":        func(*law) big { return big{path: "/cost"} },
	"archive-account": func(*law) big { return big{path: "/archive"} },
	// An archive has a file of each kind for each 256 MB, a kilobyte of the answer each.
	"get-archive": func(l *law) big {
		l.archived(240)
		return big{path: "/archive"}
	},
	"erase-account": func(l *law) big { l.leaves(); return big{"/erase", object{"confirm": l.Account}, ""} },
	"forget-user":   func(l *law) big { return big{path: l.leaver() + "/forget"} },
	"get-forgotten-user": func(l *law) big {
		path := l.leaver() + "/forget"
		l.must(http.MethodPost, path, nil)
		return big{path: path}
	},
	"get-erasure": func(l *law) big {
		l.leaves()
		made := l.must(http.MethodPost, "/erase", object{"confirm": l.Account})
		return big{path: "/v1/erasures/" + fmt.Sprint(made["id"])}
	},
	"list-reports": func(l *law) big { l.report(); return big{path: "/reports?limit=200"} },
	"get-report":   func(l *law) big { return big{path: "/reports/" + l.report()} },
	"get-deferred": func(l *law) big { return big{path: l.deferred()} },
	"list-audit": func(l *law) big {
		// Each entry names 200 members of before and 200 of after.
		l.queue("q", l.crowd(200))
		l.queue("q", l.crowdOf(longUser[:127], 200))
		l.repeatAudit(200)
		return big{path: "/audit?limit=200"}
	},
	"get-mass-configuration-template": func(l *law) big {
		l.phone()
		return big{path: "/mass-configurations/template?format=csv&filled=true"}
	},
	"get-import-template":    func(*law) big { return big{path: "/imports/template?kind=users&format=csv"} },
	"get-mass-configuration": func(l *law) big { return big{path: l.ready()} },
	"list-mass-configurations": func(l *law) big {
		for range 201 {
			l.must(http.MethodPost, "/mass-configurations", largestUpload())
		}
		l.ready()
		return big{path: "/mass-configurations?limit=200"}
	},
	"list-mass-configuration-rows": func(l *law) big { return big{path: l.ready() + "/rows?limit=200"} },
	"get-import":                   func(l *law) big { return big{path: l.readyImport()} },
	"list-imports": func(l *law) big {
		for range 30 {
			l.readyImport()
		}
		return big{path: "/imports?limit=200"}
	},
	"list-import-rows": func(l *law) big { return big{path: l.readyImport() + "/rows?limit=200"} },
	"list-exports": func(l *law) big {
		for range 30 {
			l.must(http.MethodPost, "/exports", object{"kind": "licenses", "format": "csv"})
		}
		l.carryOut()
		return big{path: "/exports?limit=200"}
	},
	"get-export": func(l *law) big {
		job := l.must(http.MethodPost, "/exports", object{"kind": "licenses", "format": "csv"})
		l.carryOut()
		return big{path: "/exports/" + fmt.Sprint(job["id"])}
	},
}

// addOns are all that a phone may have.
var addOns = []string{"call_recording", "device_ip_phone"}

func (l *law) largestAccount() object {
	l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
	return object{
		"costCenter":     longCode,
		"name":           longName,
		"brand":          strings.Repeat("B", 60),
		"currency":       "USD",
		"timezone":       "America/Argentina/ComodRivadavia",
		"billingDay":     28,
		"bundle":         "standard",
		"country":        "AR",
		"reportSchedule": "monthly",
		"state":          "active",
	}
}

func (l *law) largestUser() object {
	roles := many(20, func(i int) string { return nth(longID, i) })
	for _, id := range roles {
		l.must(http.MethodPut, "/roles/"+id, object{"name": longName, "permissions": []string{"liveReports.view"}})
	}
	l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
	limit := many(20, func(i int) string { return nth(longID, i) })
	for _, code := range limit {
		l.must(http.MethodPut, "/cost-centers/"+code, object{"name": longName})
	}
	return object{
		"adminOfCostCenters": limit,

		"name":        longName,
		"costCenter":  longCode,
		"email":       strings.Repeat("e", 60) + "@" + strings.Repeat(strings.Repeat("d", 60)+".", 3) + "test",
		"extension":   "0123456789",
		"number":      "+1 (656) 789-1230",
		"roleIds":     roles,
		"active":      true,
		"agentSource": "manual",
		"licenses": []string{
			"professional-user",
			"agent-user",
			"client-desktop",
			"client-crm",
			"live-analytics-supervisor",
		},
	}
}

func largestRole() object {
	return object{
		"name":        longName,
		"permissions": []string{"liveReports.view", "liveReports.full", "billing.read", "audit.read", "licenses.read"},
		"licenses": []string{
			"professional-user",
			"agent-user",
			"client-desktop",
			"client-crm",
			"live-analytics-supervisor",
		},
	}
}

func (l *law) largestWallboard() object {
	l.must(http.MethodPut, "/metrics/licenses/wallboards", object{"max": 500})
	return object{"name": longName, "kind": "analytics", "userId": l.crowdOf(longUser, 1)[0]}
}

func largestUpload() object {
	return object{
		"fileName":   longFile,
		"sizeBytes":  20 << 20,
		"sha256":     strings.Repeat("a", 64),
		"skipErrors": true,
		"hidden":     "apply",
	}
}

// queues makes call queues with a few members each.
func (l *law) queues(n int) []string {
	l.t.Helper()
	users := l.crowd(5)
	ids := many(n, func(i int) string { return nth(longID, i) })
	for _, id := range ids {
		l.queue(id, users)
	}
	return ids
}

// phone is a license with add-ons that somebody holds, with an extension.
func (l *law) phone() string {
	l.t.Helper()
	l.must(
		http.MethodPost,
		"/licenses/"+l.shelf[0]+"/assign",
		object{"userId": l.crowd(1)[0], "extension": "0123456789"},
	)
	l.must(http.MethodPut, "/licenses/"+l.shelf[0]+"/add-ons", object{"productIds": addOns})
	return l.shelf[0]
}

// order places an order of a number of lines of one license each.
func (l *law) order(lines int) string {
	l.t.Helper()
	l.must(http.MethodPut, "/cost-centers/"+longCode, object{"name": longName})
	ask := l.lines(lines)
	for _, line := range ask {
		line["quantity"] = 1
	}
	quote := l.must(http.MethodPost, "/quotes", object{"lines": ask})
	return fmt.Sprint(l.must(http.MethodPost, "/orders", object{"quoteId": quote["id"], "acknowledged": true})["id"])
}

func largestRequest(user, product string) object {
	return object{"productId": product, "userId": user, "reason": longName}
}

// closedPeriod puts the billing period of June 2026, which is closed, into the account.
func (l *law) closedPeriod() {
	l.t.Helper()
	closed := table.Item{
		Key:  table.Key{Partition: call.Partition(l.Account, "PERIODS"), Sort: "2026-06-01"},
		Data: []byte(`{"from": "2026-06-01", "to": "2026-07-01", "currency": "USD"}`),
	}
	if err := l.Env.Table.Commit(l.t.Context(), []table.Operation{table.Put(closed, table.Always)}); err != nil {
		l.t.Fatal(err)
	}
}

// requests are the paths of open requests, made by somebody else.
func (l *law) requests(n int) []string {
	l.t.Helper()
	var paths []string
	for _, user := range l.crowd(n) {
		r := l.Do(l.t, l.handler, fixtures.Request{
			Method:      http.MethodPost,
			Path:        "/v1/accounts/acme/requests",
			Body:        largestRequest(user, "call-queue-booster"),
			User:        longUser,
			Permissions: auth.Permissions(),
		})
		made := fixtures.Decode[object](l.t, r, http.StatusCreated)
		paths = append(paths, "/requests/"+fmt.Sprint(made["id"]))
	}
	return paths
}

// longSum is as long as a SHA-256.
var longSum = strings.Repeat("a", 64)

// archived has an archive of the account made, with a number of times that its records were put away.
func (l *law) archived(times int) {
	l.t.Helper()
	id := fmt.Sprint(l.must(http.MethodPost, "/archive", nil)["id"])
	parts := many(times, func(i int) table.Operation {
		name := fmt.Sprintf("mass-configuration-parts-%04d.jsonl", i)
		data, err := json.Marshal(many(20, func(int) object {
			return object{"name": name, "kind": "X", "records": 1, "sizeBytes": 1 << 30, "sha256": longSum}
		}))
		if err != nil {
			l.t.Fatal(err)
		}
		return table.Put(table.Item{
			Key:  table.Key{Partition: call.Partition(l.Account, "ARCHIVE-PARTS", id), Sort: fmt.Sprintf("%04d", i)},
			Data: data,
		}, table.Always)
	})
	data, err := json.Marshal(object{"id": id, "state": "ready", "createdAt": l.Clock.Now(), "readyAt": l.Clock.Now()})
	if err != nil {
		l.t.Fatal(err)
	}
	parts = append(parts, table.Put(table.Item{
		Key: table.Key{Partition: call.Partition(l.Account, "ARCHIVES"), Sort: id}, Data: data,
	}, table.Always))
	for some := range slices.Chunk(parts, table.MaxOperations) {
		if err := l.Env.Table.Commit(call.Anyhow(l.t.Context()), some); err != nil {
			l.t.Fatal(err)
		}
	}
}

// leaver is the path of a user who was deleted.
func (l *law) leaver() string {
	l.t.Helper()
	path := "/users/" + l.crowd(1)[0]
	l.must(http.MethodDelete, path, nil)
	return path
}

// leaves closes the account, and has it archived since.
func (l *law) leaves() {
	l.t.Helper()
	l.must(http.MethodPatch, "", object{"state": "closed"})
	l.archived(1)
}

func (l *law) report() string {
	l.t.Helper()
	return fmt.Sprint(
		l.must(
			http.MethodPost, "/reports", object{"kind": "license-status", "from": "2026-06-01", "to": "2026-07-01"},
		)["id"],
	)
}

// deferred is a dry run of more people and licenses than are named, all with the longest ids.
func (l *law) deferred() string {
	l.t.Helper()
	effects := plan.Nothing().Effects
	for i := range plan.MaxNamed {
		user := nth(longUser, i)
		state := plan.LicenseState{
			ProductID: longID, Status: "assigned", UserID: user, Extension: "0123456789", CostCenter: longCode,
		}
		effects.Licenses = append(effects.Licenses, plan.LicenseEffect{ID: longID, Before: &state, After: &state})
		effects.Users = append(effects.Users, plan.PersonEffect{
			UserID: user, Gains: []string{longID}, Loses: []string{longID},
		})
	}
	d := plan.DeferredRequest{
		Dry: true, Told: plan.Deferred{
			ID: l.Env.IDs.Random(), State: plan.Ready, Percent: 100, CreatedAt: l.Clock.Now(), Effects: &effects,
		},
		Caller: plan.CallerOf(auth.Principal{User: "ada", Account: l.Account}),
	}
	if err := d.Tell(l.t.Context(), l.box, l.Account); err != nil {
		l.t.Fatal(err)
	}
	return "/deferred/" + d.Told.ID
}

// ask sends a request to a path below the account, or to an absolute one.
func (l *law) ask(method string, b big, header map[string]string) fixtures.Response {
	l.t.Helper()
	if strings.HasPrefix(b.path, "/v1/") || strings.HasPrefix(b.path, "/docs") {
		return l.Do(
			l.t,
			l.handler,
			fixtures.Request{
				Method:      method,
				Path:        b.path,
				Header:      header,
				User:        "ada",
				Permissions: auth.Permissions(),
			},
		)
	}
	return l.send(method, b.path, b.body, header)
}

// signed finds what differs each time: signed URLs, and when they expire.
var signed = regexp.MustCompile(`"(url|downloadUrl|expiresAt)":"[^"]*"`)

// TestTheLargestRequestIsAnsweredTwice sends the largest allowed request of every operation twice
// under a key, the second time a minute later, and demands one answer, which AWS can carry. What it
// leaves in its largest state is got and put back.
func TestTheLargestRequestIsAnsweredTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("queues of 20,000 members take some seconds")
	}
	registered := map[string]bool{}
	for _, op := range documented(t) {
		registered[op.OperationID] = true
		row := largest[op.OperationID]
		if row == nil {
			t.Errorf("%s has no largest request; add it to the table", op.OperationID)
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			l := openLaw(t)
			l.keepFiles()
			b := row(l)
			header := map[string]string{}
			if op.method != http.MethodGet {
				header["Idempotency-Key"] = strings.Repeat("k", 255)
			}
			first := l.ask(op.method, b, header)
			if first.Status >= http.StatusMultipleChoices {
				t.Fatalf("%d %.2000s", first.Status, first.Body)
			}
			if len(first.Body) > lambdaAnswer {
				t.Errorf("the answer has %d bytes", len(first.Body))
			}
			if op.method != http.MethodGet {
				l.Clock.Add(time.Minute)
			}
			second := l.ask(op.method, b, header)
			one, two := signed.ReplaceAll(
				bytes.TrimSpace(first.Body),
				nil,
			), signed.ReplaceAll(
				bytes.TrimSpace(second.Body),
				nil,
			)
			if second.Status != first.Status || !bytes.Equal(one, two) && op.OperationID != "get-license-metrics" {
				t.Errorf("again: %d %.2000s\nfirst: %d %.2000s", second.Status, second.Body, first.Status, first.Body)
			}
			if op.method != http.MethodGet && second.Header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("the second answer was not the stored one: %v", second.Header)
			}
			if b.resource != "" {
				l.putBack(t, b)
			}
			if op.method == http.MethodPut {
				everyField(t, &world{document: l.document()}, op, second)
			}
			if t.Failed() {
				return
			}
			t.Logf("%d bytes", len(first.Body))
		})
	}
	for id := range largest {
		if !registered[id] {
			t.Errorf("there is no operation %s", id)
		}
	}
}

// everyField demands that the largest resource has every field that can be written: one that is
// missing was left out of the table here, or is taken and not kept.
func everyField(t *testing.T, w *world, op operation, a fixtures.Response) {
	t.Helper()
	var got map[string]json.RawMessage
	if err := json.Unmarshal(a.Body, &got); err != nil {
		t.Fatal(err)
	}
	for name, field := range w.resolve(t, op.RequestBody.Content["application/json"].Schema).Properties {
		if _, there := got[name]; !there && !field.ReadOnly && !field.WriteOnly {
			t.Errorf("%s: the largest request leaves %s out, or it is not kept", op.OperationID, name)
		}
	}
}

// putBack gets a resource and puts it, as large as it is.
func (l *law) putBack(t *testing.T, b big) {
	t.Helper()
	if kinds[b.resource].all == nil {
		t.Fatalf("%s is no resource that the law knows", b.resource)
	}
	at := b.path
	if b.resource == "/cart" {
		at = "/cart"
	}
	got := l.send(http.MethodGet, at, nil, nil)
	if got.Status != http.StatusOK {
		t.Fatalf("GET %s: %d %.500s", at, got.Status, got.Body)
	}
	writes := l.writes
	l.unchanged(
		t,
		"PUT "+at,
		got,
		writes,
		l.send(http.MethodPut, at, got.Body, map[string]string{"If-Match": got.Header.Get("ETag")}),
	)
}

// A call queue takes 2 MB (docs/contract.md). What does not fit is refused when it is put, with the
// numbers; what is taken can be got and put back, however many dashboards come to it.
func TestACallQueueFitsWhatItMayBePutWith(t *testing.T) {
	if testing.Short() {
		t.Skip("queues of 20,000 members take some seconds")
	}
	l := openLaw(t)
	all := l.crowd(20_000)
	most := 2_000_000 / (len(longUser) + 3)
	tooLarge := fixtures.Problem(
		t,
		l.send(http.MethodPut, "/call-queues/q", object{"name": "Q", "members": all}, nil),
		http.StatusRequestEntityTooLarge,
		"payload-too-large",
	)
	if !strings.Contains(tooLarge.Detail, "2 MB") {
		t.Errorf("does not say how large it may be: %s", tooLarge.Detail)
	}
	p := fixtures.Problem(
		t,
		l.send(http.MethodPut, "/call-queues/q", object{"name": "Q", "members": all[:most+1]}, nil),
		http.StatusUnprocessableEntity,
		"validation",
	)
	if len(p.Errors) != 1 || p.Errors[0].Field != "members" || p.Errors[0].Code != "too-long" ||
		!strings.Contains(p.Errors[0].Message, "2000000") {
		t.Errorf("refused as %+v", p.Errors)
	}
	l.queue(longID, all[:most])
	// The same list replaced by one that shares nobody with it: both are written in one commit.
	others := l.crowdOf(longUser[:127], most)
	l.must(http.MethodPut, "/call-queues/"+longID, object{"name": longName, "members": others})
	// As many dashboards as may show it; to put it on each of them would take minutes.
	head := table.Key{Partition: call.Partition(l.Account, "QUEUES"), Sort: longID}
	item, _, err := table.Get(t.Context(), l.Env.Table, head)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := call.Decode[object](item)
	if err != nil {
		t.Fatal(err)
	}
	queue["dashboards"] = many(1000, func(i int) string { return nth(longID, i) })
	if item.Data, err = call.Encode(queue); err != nil {
		t.Fatal(err)
	}
	if err := l.Env.Table.Commit(
		t.Context(),
		[]table.Operation{table.Put(item, table.IfVersion(item.Version))},
	); err != nil {
		t.Fatal(err)
	}
	l.putBack(t, big{path: "/call-queues/" + longID, resource: "/call-queues/{id}"})
	p = fixtures.Problem(
		t,
		l.send(http.MethodPut, "/dashboards/one-more", object{"name": "D", "queueIds": []string{longID}}, nil),
		http.StatusUnprocessableEntity,
		"validation",
	)
	if len(p.Errors) != 1 || p.Errors[0].Field != "queueIds[0]" || !strings.Contains(p.Errors[0].Message, "1000") {
		t.Errorf("refused as %+v", p.Errors)
	}
}

// The largest call queue comes by a file too, and its row can be read.
func TestTheLargestCallQueueIsImported(t *testing.T) {
	if testing.Short() {
		t.Skip("queues of 20,000 members take some seconds")
	}
	l := openLaw(t)
	l.keepFiles()
	users := l.crowd(2_000_000 / (len(longUser) + 3))
	header, row := "Call queue,Name", longID+","+longName
	column := 0
	for some := range slices.Chunk(users, 80) {
		column++
		header += fmt.Sprintf(",Member %d", column)
		row += "," + strings.Join(some, ";")
	}
	at := l.plan("/imports", object{"kind": "call-queues", "fileName": longFile}, header+"\n"+row+"\n")
	if v := l.must(http.MethodGet, at, nil); v["state"] != "ready" {
		t.Fatalf("%v", v)
	}
	if r := l.send(
		http.MethodGet,
		at+"/rows?limit=200",
		nil,
		nil,
	); r.Status != http.StatusOK ||
		len(r.Body) > lambdaAnswer {
		t.Errorf("its rows: %d, %d bytes", r.Status, len(r.Body))
	}
	l.must(http.MethodPost, at+"/apply", nil)
	l.carryOut()
	if v := l.must(http.MethodGet, at, nil); v["state"] != "completed" {
		t.Fatalf("%v", v)
	}
	members, _ := l.must(http.MethodGet, "/call-queues/"+longID, nil)["members"].([]any)
	if len(members) != len(users) {
		t.Errorf("%d members of %d", len(members), len(users))
	}
}
