package path

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/runnerprocess"
)

// later is when the scheduled functions are run after a crash: whoever was at work has been silent
// for longer than any lease, by the event's clock. No test waits for it.
const later = 10 * time.Minute

// TestKilledOrder kills the runner while 10,000 licenses are delivered (requirements, section 3.4:
// all at once or not at all; I11, I14).
func TestKilledOrder(t *testing.T) {
	const n = 10_000
	o := runnerprocess.Options{Data: t.TempDir(), Args: []string{"--no-schedules"}}
	r := runnerprocess.Start(t, o)
	operator := login(t, r, "provider", "olga", "accounts.manage")
	A, admin := account(t, r, operator, "acme")
	q := quoted(t, admin, A, object{"live-reports": n})
	body, key := object{"quoteId": q.ID, "acknowledged": true}, map[string]string{"Idempotency-Key": "ten thousand"}

	finished := make(chan error, 1)
	go func() {
		a, err := admin.try(t, http.MethodPost, A+"/orders", body, key)
		if err == nil {
			err = fmt.Errorf("it was answered before the crash: %d: %s", a.status, a.body)
		}
		finished <- err
	}()
	eventually(t, "the order is being placed", func() (any, bool) {
		orders := decode[struct{ Items []struct{ Percent int } }](t, admin.get(t, A+"/orders"), http.StatusOK).Items
		return orders, len(orders) == 1 && orders[0].Percent >= 0
	})
	r.Kill()
	if err := <-finished; err == nil || strings.HasPrefix(err.Error(), "it was answered") {
		t.Fatal(err)
	}

	r = runnerprocess.Start(t, o)
	admin.base = r.API
	same(t, "licenses after the crash", summary(t, admin, A), map[string]seats{})
	same(t, "licenses after the crash, one by one", recount(t, admin, A), map[string]seats{})

	invoke(t, r, "MaintenanceFunction", tick(time.Now().Add(later)))
	want := map[string]seats{"live-reports": {Bought: n, Available: n}}
	same(t, "licenses", eventually(t, "the order is placed", func() (map[string]seats, bool) {
		now := summary(t, admin, A)
		return now, len(now) > 0
	}), want)
	same(t, "licenses one by one", recount(t, admin, A), want)
	orders := decode[struct{ Items []order }](t, admin.get(t, A+"/orders"), http.StatusOK).Items
	if len(orders) != 1 || orders[0].State != "placed" || orders[0].LicenseCount != n {
		t.Fatalf("orders: %+v", orders)
	}

	// The client that never heard asks again, and hears of that order.
	again := admin.send(t, http.MethodPost, A+"/orders", body, key)
	same(t, "the order, asked again", decode[order](t, again, http.StatusCreated).ID, orders[0].ID)
	same(t, "licenses after the repetition", summary(t, admin, A), want)
}

// TestKilledMassConfiguration kills the runner while rows are applied, more than once: no row is
// lost and none is applied twice (requirements, section 5, I12, I13, I14).
func TestKilledMassConfiguration(t *testing.T) {
	const n = 400
	o := runnerprocess.Options{Data: t.TempDir(), Args: []string{"--no-schedules"}}
	r := runnerprocess.Start(t, o)
	A, admin := account(t, r, login(t, r, "provider", "olga", "accounts.manage"), "acme")
	q := quoted(t, admin, A, object{"phone-system": n, "device_ip_phone": n})
	decode[object](t, admin.post(t, A+"/orders", object{"quoteId": q.ID, "acknowledged": true}), http.StatusCreated)

	var file strings.Builder
	file.WriteString("Ext Key,Number,User,Addon license 1\n")
	for i := range n {
		user := fmt.Sprintf("user%03d", i)
		decode[object](t, admin.put(t, A+"/users/"+user, object{"name": user}), http.StatusCreated)
		fmt.Fprintf(&file, "%04d,65678%05d,%s,device_ip_phone\n", i, i, user)
	}
	m := decode[massConfiguration](
		t,
		admin.post(t, A+"/mass-configurations", object{"fileName": "all.csv", "sizeBytes": file.Len()}),
		http.StatusCreated,
	)
	a := upload(t, m.Upload.Method, m.Upload.URL, m.Upload.Headers, []byte(file.String()))
	if a.status != http.StatusOK {
		t.Fatalf("upload: %d: %s", a.status, a.body)
	}
	where := A + "/mass-configurations/" + m.ID
	type progress struct {
		State   string
		Applied int
		Refused int
	}
	look := func() progress { return decode[progress](t, admin.get(t, where), http.StatusOK) }
	eventually(t, "the file is checked", func() (progress, bool) { p := look(); return p, p.State == "ready" })
	if a := admin.post(t, where+"/configure", nil); a.status != http.StatusAccepted {
		t.Fatalf("configure: %d: %s", a.status, a.body)
	}

	kills := 0
	for _, much := range []int{1, n / 2} {
		var p progress
		for p = look(); p.State == "configuring" && p.Applied < much; p = look() {
			time.Sleep(time.Millisecond)
		}
		if p.State != "configuring" {
			break
		}
		r.Kill()
		kills++
		r = runnerprocess.Start(t, o)
		admin.base = r.API
		if after := look(); after.Applied < p.Applied {
			t.Fatalf("%d rows were applied before the crash, %d are after it", p.Applied, after.Applied)
		}
		// What the schedule does once the dead worker's lease is over. It runs beside this test, so
		// that the next kill finds it at work.
		event, base := tick(time.Now().Add(time.Duration(kills)*later)), r.API
		go func() {
			_, _ = client{
				base: base,
			}.try(t, http.MethodPost, "/2015-03-31/functions/MassConfigurationApplyFunction/invocations", event, nil)
		}()
	}
	if kills == 0 {
		t.Fatal("it was over before the kill; this test needs more rows")
	}
	end := eventually(t, "the mass configuration is completed",
		func() (progress, bool) { p := look(); return p, p.State == "completed" })
	same(t, "rows applied", end, progress{State: "completed", Applied: n})
	want := map[string]seats{"phone-system": {Bought: n, Assigned: n}, "device_ip_phone": {Bought: n, Assigned: n}}
	same(t, "licenses", summary(t, admin, A), want)
	same(t, "licenses one by one", recount(t, admin, A), want)
	assigned := map[string]int{}
	for _, entry := range list(t, admin, A+"/audit?from="+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)) {
		if entry["action"] == "license.assigned" {
			assigned[fmt.Sprint(entry["subject"])]++
		}
	}
	same(t, "licenses that were assigned, by the audit log", len(assigned), 2*n)
	for license, times := range assigned {
		if times != 1 {
			t.Errorf("%s was assigned %d times", license, times)
		}
	}
}

// TestWhatIsWrong starts the runner where it cannot run.
func TestWhatIsWrong(t *testing.T) {
	var c net.ListenConfig
	taken, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().String()
	closed, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := closed.Addr().String()
	closed.Close()
	held := t.TempDir()
	runnerprocess.Start(t, runnerprocess.Options{Data: held, Args: []string{"--no-schedules"}})

	for name, c := range map[string]struct {
		options runnerprocess.Options
		want    []string
	}{
		"the API's port is taken": {runnerprocess.Options{Data: t.TempDir(), API: port}, []string{port + " is taken", "--addr"}},
		"the S3 port is taken":    {runnerprocess.Options{Data: t.TempDir(), S3: port}, []string{port + " is taken", "--s3-addr"}},
		"the data folder is locked": {
			runnerprocess.Options{Data: held}, []string{held + " is in use by another Seatwise", "--data"},
		},
		"there is no DynamoDB": {
			runnerprocess.Options{Data: t.TempDir(), Args: []string{"--dynamodb-endpoint", "http://" + silent}},
			[]string{"DynamoDB at http://" + silent},
		},
		"an unknown flag": {runnerprocess.Options{Data: t.TempDir(), Args: []string{"--what"}}, []string{"-what"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runnerprocess.Command(t, c.options).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() == 0 {
				t.Fatalf("it ended with %v: %s", err, out)
			}
			for _, words := range c.want {
				if !strings.Contains(string(out), words) {
					t.Errorf("it says %q, which lacks %q", out, words)
				}
			}
		})
	}
}

// account makes an account with the cost center CC-1 and logs its admin in.
func account(t *testing.T, r *runnerprocess.Runner, operator client, name string) (path string, admin client) {
	t.Helper()
	path = "/v1/accounts/" + name
	decode[object](t, operator.put(t, path, object{
		"name":       name,
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "UTC",
		"billingDay": 15,
		"bundle":     "standard",
	}), http.StatusCreated)
	admin = login(t, r, name, "ada", every...)
	decode[object](t, admin.put(t, path+"/cost-centers/CC-1", object{"name": "One"}), http.StatusCreated)
	return path, admin
}

// quoted asks for a quote of a number of licenses by product.
func quoted(t *testing.T, admin client, account string, quantities object) quote {
	t.Helper()
	var lines []object
	for product, n := range quantities {
		lines = append(lines, object{"productId": product, "quantity": n, "costCenter": "CC-1"})
	}
	return decode[quote](t, admin.post(t, account+"/quotes", object{"lines": lines}), http.StatusCreated)
}
