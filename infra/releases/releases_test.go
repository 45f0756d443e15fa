package releases

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/programs"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/catalog"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

// record and data ask for a release to be kept: its name, and the folder of a runner with the account.
var (
	record = flag.String("record", "", "keep a store as the `release` that wrote it")
	data   = flag.String("data", "", "the `folder` of the runner's data")
)

// account is the one that infra/demo makes.
const account = "demo"

// release is what is known of a release beside its store.
type release struct {
	// Commit is what the release was made of, or the commit before the one that keeps its store.
	Commit string `json:"commit"`
	// At is when its store was written, and the runner's clock goes on.
	At time.Time `json:"at"`
	// Answers are what its API answered then, by path.
	Answers map[string]json.RawMessage `json:"answers"`
}

// kept are the releases whose stores are kept, by name.
func kept(t *testing.T) map[string]release {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*", "release.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]release{}
	for _, file := range files {
		var r release
		content, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(content, &r)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(filepath.Dir(file))] = r
	}
	return all
}

// TestStoreOfEachRelease opens what each release has written: everything is told as it was told then, and
// work goes on in it.
func TestStoreOfEachRelease(t *testing.T) {
	for name, r := range kept(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			unpack(t, filepath.Join("testdata", name, "store.tgz"), folder)
			d, _ := open(t, folder, r.At)
			for _, path := range slices.Sorted(maps.Keys(r.Answers)) {
				var then, now any
				if err := json.Unmarshal(r.Answers[path], &then); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(d.get(t, path), &now); err != nil {
					t.Fatal(err)
				}
				for _, difference := range missing("", then, now) {
					t.Errorf("GET %s: %s", path, difference)
				}
			}
			d.goOn(t)
		})
	}
}

// missing says what was told then and is not told now: more may be.
func missing(at string, then, now any) []string {
	switch was := then.(type) {
	case map[string]any:
		is, ok := now.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s was an object, and is %v", at, now)}
		}
		var all []string
		for name, value := range was {
			switch link, _ := is[name].(string); {
			case (name == "nextCursor" || name == "expiresAt") && link != "": // of the moment
			case strings.HasSuffix(name, "Url"):
				if err := readable(link); err != nil {
					all = append(all, fmt.Sprintf("%s.%s: %v", at, name, err))
				}
			default:
				all = append(all, missing(at+"."+name, value, is[name])...)
			}
		}
		return all
	case []any:
		is, ok := now.([]any)
		if !ok || len(is) != len(was) {
			return []string{fmt.Sprintf("%s had %d elements, and is %v", at, len(was), now)}
		}
		var all []string
		for i := range was {
			all = append(all, missing(fmt.Sprintf("%s[%d]", at, i), was[i], is[i])...)
		}
		return all
	}
	if then != now {
		return []string{fmt.Sprintf("%s was %v, and is %v", at, then, now)}
	}
	return nil
}

// readable says whether a presigned address leads to a file.
func readable(link string) error {
	answer, err := http.Get(link)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if content, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || len(content) == 0 {
		return fmt.Errorf("%s, %d bytes: %w", answer.Status, len(content), err)
	}
	return nil
}

// desk is a runner with the account, and its admin.
type desk struct {
	*runnerprocess.Client

	at time.Time
}

// open starts a runner on a folder, with a clock of its own; it may be stopped before the test ends.
func open(t *testing.T, folder string, at time.Time) (d *desk, stop func()) {
	t.Helper()
	r := runnerprocess.Start(t, runnerprocess.Options{Data: folder, Args: []string{
		"--no-schedules", "--log-level", "ERROR", "--clock-from", at.Format(time.RFC3339),
	}})
	d = &desk{runnerprocess.NewClient(r.API), at}
	d.login(t)
	return d, func() { r.Stop(t) }
}

func (d *desk) login(t *testing.T) {
	t.Helper()
	all := strings.Fields(access.Carried().String())
	if err := d.Login(t.Context(), account, "ada", all...); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request that must be granted.
func (d *desk) ask(t *testing.T, method, path string, body any) []byte {
	t.Helper()
	answer, err := d.Send(t.Context(), method, path, body, nil)
	if err != nil || answer.Status >= http.StatusBadRequest {
		t.Fatalf("%s %s: %d %s %v", method, path, answer.Status, answer.Body, err)
	}
	return answer.Body
}

func (d *desk) get(t *testing.T, path string) []byte {
	t.Helper()
	return d.ask(t, http.MethodGet, "/v1/accounts/"+account+path, nil)
}

// goOn lives on in the account for some days: schedules, an order, somebody who gets a seat and leaves.
func (d *desk) goOn(t *testing.T) {
	t.Helper()
	in := "/v1/accounts/" + account
	before := d.summary(t)
	// The runner's clock does not overtake the machine's: on the day of the release there is no later day.
	for range min(3, int(time.Since(d.at)/(24*time.Hour))) {
		d.at = d.at.AddDate(0, 0, 1)
		d.ask(t, http.MethodPost, "/local/clock", map[string]time.Time{"to": d.at})
		d.login(t)
		for _, function := range []string{
			"UsageAggregationFunction", "ReportBuilderFunction",
			"MassConfigurationApplyFunction", "MaintenanceFunction",
		} {
			d.ask(t, http.MethodPost, "/2015-03-31/functions/"+function+"/invocations",
				map[string]any{"time": d.at.Format(time.RFC3339)})
		}
	}
	d.order(t, "phone-system", 2)
	d.ask(t, http.MethodPut, in+"/users/newcomer", map[string]any{
		"name": "New Comer", "email": "newcomer@demo.example", "active": true, "roleIds": []string{},
	})
	d.ask(t, http.MethodPost, in+"/assignments", map[string]any{
		"items": []map[string]any{{"productId": "phone-system", "userId": "newcomer"}},
	})
	if after := d.summary(t); after.bought != before.bought+2 || after.assigned != before.assigned+1 {
		t.Errorf("phone-system before %+v, after an order of 2 and an assignment %+v", before, after)
	}
	d.ask(t, http.MethodDelete, in+"/users/newcomer", nil)
}

// order buys licenses of a product for the first cost center.
func (d *desk) order(t *testing.T, product string, quantity int) {
	t.Helper()
	in := "/v1/accounts/" + account
	var centers struct {
		Items []struct {
			Code string `json:"code"`
		} `json:"items"`
	}
	decode(t, d.get(t, "/cost-centers"), &centers)
	var quote struct {
		ID string `json:"id"`
	}
	decode(t, d.ask(t, http.MethodPost, in+"/quotes", map[string]any{"lines": []map[string]any{
		{"productId": product, "quantity": quantity, "costCenter": centers.Items[0].Code},
	}}), &quote)
	d.ask(t, http.MethodPost, in+"/orders", map[string]any{"quoteId": quote.ID, "acknowledged": true})
}

// seats are the counts of a product.
type seats struct{ bought, assigned float64 }

// summary reads the counts of phone-system, and holds those of each product against a count of its licenses.
func (d *desk) summary(t *testing.T) (of seats) {
	t.Helper()
	var rows struct {
		Items []struct {
			ProductID                             string
			Kind                                  catalog.Kind
			Bought, Assigned, Available, Reserved float64
		}
	}
	decode(t, d.get(t, "/licenses/summary"), &rows)
	for _, row := range rows.Items {
		if row.Kind == catalog.Metered {
			continue // has no licenses that are listed
		}
		if row.Bought != row.Assigned+row.Available+row.Reserved {
			t.Errorf("%+v does not add up", row)
		}
		counted := map[string]float64{}
		for path := "/licenses?limit=200&product=" + row.ProductID; path != ""; {
			var page struct {
				Items      []struct{ ProductID, Status string }
				NextCursor string
			}
			decode(t, d.get(t, path), &page)
			for _, l := range page.Items {
				if l.ProductID == row.ProductID {
					counted[l.Status]++
				}
			}
			if path = ""; page.NextCursor != "" {
				path = "/licenses?limit=200&product=" + row.ProductID + "&cursor=" + page.NextCursor
			}
		}
		if counted["assigned"] != row.Assigned {
			t.Errorf("%s: %v are assigned, and the summary says %v", row.ProductID, counted["assigned"], row.Assigned)
		}
		if row.ProductID == "phone-system" {
			of = seats{row.Bought, row.Assigned}
		}
	}
	return of
}

func decode(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}

// TestTwoReleasesOnOneStore has each kept release, built from its commit, and this one work in one account of
// one store at the same time, as functions of two versions do while a deployment is led over.
func TestTwoReleasesOnOneStore(t *testing.T) {
	parts.Belongs(t, parts.Bootstraps)
	all := kept(t)
	if len(all) == 0 {
		t.Skip("nothing is released yet")
	}
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			server := programs.DynamoDB(t)
			run := func(cmd *exec.Cmd) *desk {
				cmd.Args = append(cmd.Args, "--no-schedules", "--log-level", "ERROR", "--dynamodb-endpoint", server.URL)
				cmd.Env = append(os.Environ(), "AWS_REGION="+server.Region, "AWS_ACCESS_KEY_ID="+server.AccessKey,
					"AWS_SECRET_ACCESS_KEY="+server.SecretKey, "AWS_SESSION_TOKEN="+server.SessionToken)
				d := &desk{runnerprocess.NewClient(runnerprocess.Run(t, cmd, syscall.SIGKILL).API), time.Now()}
				d.login(t)
				return d
			}
			now := runnerprocess.Command(t, runnerprocess.Options{Data: t.TempDir()})
			then := runnerprocess.Command(t, runnerprocess.Options{Data: t.TempDir()})
			then.Path, then.Dir = built(t, r.Commit)
			before, after := run(then), run(now)
			found(t, after)
			beside(t, before, after)
			before.summary(t)
			after.summary(t)
		})
	}
}

// built builds the runner of a commit, and names the folder with its template.
func built(t *testing.T, commit string) (program, folder string) {
	t.Helper()
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	tree := exec.CommandContext(t.Context(), "git", "archive", "--format", "tar", commit)
	tree.Dir = root
	content, err := tree.Output()
	if err != nil {
		t.Skipf("this clone has not the commit of the release: %v", err)
	}
	spread(t, bytes.NewReader(content), folder)
	program = filepath.Join(folder, "local")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-trimpath", "-o", program,
		"./infra/local")
	build.Dir = folder
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the release: %v\n%s", err, said)
	}
	return program, folder
}

// found makes the account with a cost center and some people.
func found(t *testing.T, d *desk) {
	t.Helper()
	in := "/v1/accounts/" + account
	if err := d.Login(t.Context(), "provider", "olga", string(auth.AccountsManage)); err != nil {
		t.Fatal(err)
	}
	d.ask(t, http.MethodPut, in, map[string]any{
		"name": "Two releases", "brand": "RingCentral", "currency": "USD", "timezone": "UTC", "billingDay": 1,
		"bundle": "standard",
	})
	d.login(t)
	d.ask(t, http.MethodPut, in+"/cost-centers/north", map[string]any{"name": "North"})
	for i := range people {
		d.ask(t, http.MethodPut, in+"/users/"+person(i), map[string]any{
			"name": person(i), "email": person(i) + "@demo.example", "active": true, "roleIds": []string{},
		})
	}
	d.order(t, "phone-system", people/2)
}

// people are those who want one of half as many seats.
const people = 20

func person(i int) string { return fmt.Sprintf("person-%02d", i) }

// beside has two releases give the same seats at once, take them back and buy: each effect is seen by both.
func beside(t *testing.T, one, other *desk) {
	t.Helper()
	assignment := func(d *desk, verb string, i int) int {
		answer, err := d.Send(t.Context(), http.MethodPost, "/v1/accounts/"+account+"/assignments"+verb,
			map[string]any{"items": []map[string]any{{"productId": "phone-system", "userId": person(i)}}}, nil)
		if err != nil {
			t.Error(err)
		}
		return answer.Status
	}
	var all sync.WaitGroup
	for i := range people {
		d := one
		if i%2 == 1 {
			d = other
		}
		all.Go(func() {
			if status := assignment(d, "", i); status >= http.StatusInternalServerError {
				t.Errorf("assigning to %s: %d", person(i), status)
			}
		})
	}
	all.Wait()
	for _, d := range []*desk{one, other} {
		if got := d.summary(t); got.bought != people/2 || got.assigned != people/2 {
			t.Errorf("of %d seats for %d people: %+v", people/2, people, got)
		}
	}
	for i := range people { // by the one who has not given it
		d := other
		if i%2 == 1 {
			d = one
		}
		assignment(d, "/remove", i)
	}
	other.order(t, "phone-system", 1)
	one.order(t, "phone-system", 1)
	for _, d := range []*desk{one, other} {
		if got := d.summary(t); got.bought != people/2+2 || got.assigned != 0 {
			t.Errorf("after all was taken back and 2 more were bought: %+v", got)
		}
	}
}

// asked are the collections whose first pages are kept, and the first of whose items where it can be read
// by its id.
var asked = []struct{ path, id string }{
	{"", ""},
	{"/billing", ""},
	{"/billing/periods", "from"},
	{"/licenses/summary", ""},
	{"/licenses?limit=10", "id"},
	{"/licenses?limit=10&status=assigned", "id"},
	{"/users?limit=10", "id"},
	{"/roles", "id"},
	{"/call-queues", "id"},
	{"/dashboards", "id"},
	{"/cost-centers", ""},
	{"/orders?limit=5", "id"},
	{"/cart", ""},
	{"/waiting?limit=10", ""},
	{"/exclusions", ""},
	{"/requests", "id"},
	{"/policies", ""},
	{"/alerts", ""},
	{"/reclaims", "id"},
	{"/mass-configurations", "id"},
	{"/imports", "id"},
	{"/exports", ""},
	{"/reports?limit=5", "id"},
	{"/usage/summary", ""},
	{"/wallboards", ""},
	{"/audit?limit=20", ""},
	{"/idle?product=live-reports", ""},
}

// TestRecord keeps a store: `make fixture`.
func TestRecord(t *testing.T) {
	if *record == "" {
		t.Skip("not asked for: `make fixture` does")
	}
	commit, err := exec.CommandContext(t.Context(), "git", "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	kept := release{
		Commit:  strings.TrimSpace(string(commit)),
		At:      time.Now().UTC().Truncate(time.Second),
		Answers: map[string]json.RawMessage{},
	}
	folder := filepath.Join("testdata", *record)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	complete(t, kept.At)
	if err := os.WriteFile(filepath.Join(folder, "store.tgz"), pack(t, *data), 0o600); err != nil {
		t.Fatal(err)
	}
	d, _ := open(t, *data, kept.At)
	keep := func(path string) []byte {
		answer := d.get(t, path)
		kept.Answers[path] = answer
		return answer
	}
	for _, a := range asked {
		var page struct {
			Items []map[string]any `json:"items"`
		}
		answer := keep(a.path)
		if a.id == "" {
			continue
		}
		decode(t, answer, &page)
		if len(page.Items) == 0 {
			t.Errorf("%s is empty: the store of a release has something of everything", a.path)
			continue
		}
		collection, _, _ := strings.Cut(a.path, "?")
		keep(fmt.Sprintf("%s/%v", collection, page.Items[0][a.id]))
	}
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "release.json"), content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// complete adds what a year of the demo lacks: a policy, a fence, a reclaim.
func complete(t *testing.T, at time.Time) {
	t.Helper()
	d, stop := open(t, *data, at)
	in := "/v1/accounts/" + account
	d.ask(t, http.MethodPut, in+"/policies/live-reports", map[string]any{"lowSeats": 3})
	d.ask(t, http.MethodPut, in+"/cost-centers/closed-shop", map[string]any{"name": "Closed shop", "fenced": true})
	d.ask(t, http.MethodPost, in+"/reclaims", map[string]any{"productId": "live-reports", "days": 1})
	stop()
}

// pack is a folder of a runner that has ended.
func pack(t *testing.T, folder string) []byte {
	t.Helper()
	var content bytes.Buffer
	zip, err := gzip.NewWriterLevel(&content, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"token-key.pem", "session.key", "cursor.key", "lines", "tmp"} { // of one runner alone
		if err := os.RemoveAll(filepath.Join(folder, own)); err != nil {
			t.Fatal(err)
		}
	}
	archive := tar.NewWriter(zip)
	if err := errors.Join(archive.AddFS(os.DirFS(folder)), archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// unpack writes what pack has packed.
func unpack(t *testing.T, file, folder string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	spread(t, zip, folder)
}

// spread writes the files of an archive below a folder.
func spread(t *testing.T, content io.Reader, folder string) {
	t.Helper()
	archive := tar.NewReader(content)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !fs.ValidPath(strings.TrimSuffix(header.Name, "/")) {
			t.Fatalf("%s is not below the folder", header.Name)
		}
		name := filepath.Join(folder, header.Name)
		if header.Typeflag == tar.TypeXGlobalHeader { // the commit's name
			continue
		}
		if header.FileInfo().IsDir() {
			err = os.MkdirAll(name, 0o700)
		} else if err = os.MkdirAll(filepath.Dir(name), 0o700); err == nil {
			var file []byte
			if file, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(name, file, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
