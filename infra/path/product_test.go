package path

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/runnerprocess"
)

// moreProducts are added to the catalog's text and to nothing else: a base, an add-on of it, a seat
// that excludes it, and a metered product.
const moreProducts = `
  - id: fax-line
    name: Fax Line
    category: Analytics
    kind: base
    unitPrice: {USD: 700, EUR: 650, GBP: 560}
  - id: fax_archive
    name: Fax Archive
    category: Analytics
    kind: addOn
    code: fax_archive_enabled
    base: fax-line
    unitPrice: {USD: 100, EUR: 90, GBP: 80}
  - id: voice-insight
    name: Voice Insight
    category: Analytics
    kind: seat
    excludes: [fax-line]
    unitPrice: {USD: 9000, EUR: 8300, GBP: 7200}
  - id: kiosk-user
    name: Kiosk User
    category: Analytics
    kind: metered
    oneOf: user
    unitPrice: {USD: 500, EUR: 460, GBP: 400}
    countsAs: {group: users, label: Kiosk Users}
`

// TestANewProductNeedsNoCodeChange adds products to a copy of the catalog file, runs the generator
// of `make catalog` on it, builds the runner with what it wrote (requirements, section 2), and
// sells, assigns and counts the new products through its API.
func TestANewProductNeedsNoCodeChange(t *testing.T) {
	parts.Belongs(t, parts.Bootstraps)
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	text, err := os.ReadFile(filepath.Join(root, "shared", "catalog", "catalog.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	changed := write("catalog.yaml", append(text, moreProducts...))
	generate := exec.CommandContext(t.Context(), "go", "run", "-buildvcs=false", "./infra/catalog", changed)
	generate.Dir = root
	var faults strings.Builder
	generate.Stderr = &faults
	source, err := generate.Output()
	if err != nil {
		t.Fatalf("make catalog: %v: %s", err, faults.String())
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "shared", "catalog", "generated.go"): write("generated.go", source),
	}})
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(folder, "local")
	build := exec.CommandContext(
		t.Context(),
		"go",
		"build",
		"-buildvcs=false",
		"-overlay",
		write("overlay.json", overlay),
		"-o",
		bin,
		"seatwise/infra/local",
	)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the runner: %v: %s", err, out)
	}
	start := exec.CommandContext(
		t.Context(),
		bin,
		"--addr",
		"127.0.0.1:0",
		"--s3-addr",
		"127.0.0.1:0",
		"--data",
		filepath.Join(folder, "data"),
	)
	start.Dir = root
	w := &walk{name: "acme", A: "/v1/accounts/acme", runner: runnerprocess.Run(t, start, syscall.SIGKILL)}
	w.account(t)

	names := map[string]string{}
	for _, p := range list(t, w.admin, "/v1/catalog?category=Analytics") {
		names[fmt.Sprint(p["id"])] = fmt.Sprint(p["name"], " ", p["kind"])
	}
	for id, want := range map[string]string{
		"fax-line": "Fax Line base", "fax_archive": "Fax Archive addOn", "voice-insight": "Voice Insight seat",
		"kiosk-user": "Kiosk User metered",
	} {
		same(t, id, names[id], want)
	}

	quote := decode[struct {
		ID        string
		Recurring money
	}](t, w.admin.post(t, w.A+"/quotes", object{"lines": []object{
		{"productId": "fax-line", "quantity": 2, "costCenter": "CC-1"},
		{"productId": "fax_archive", "quantity": 1, "costCenter": "CC-2"},
		{"productId": "voice-insight", "quantity": 1, "costCenter": "CC-1"},
	}}), http.StatusCreated)
	same(t, "recurring", quote.Recurring.Amount, int64(2*700+100+9000))
	decode[object](
		t,
		w.admin.post(t, w.A+"/orders", object{"quoteId": quote.ID, "acknowledged": true}),
		http.StatusCreated,
	)

	for _, user := range []string{"zoe", "yan"} {
		decode[object](t, w.admin.put(t, w.A+"/users/"+user, object{"name": user}), http.StatusCreated)
	}
	give := func(product, user string) answer {
		return w.admin.post(
			t,
			w.A+"/assignments",
			object{"items": []object{{"productId": product, "userId": user}}, "atomic": true},
		)
	}
	refused(t, give("fax_archive", "zoe"), http.StatusConflict, "base-license-required")
	for _, g := range [][2]string{
		{"fax-line", "zoe"}, {"fax_archive", "zoe"}, {"kiosk-user", "zoe"}, {"voice-insight", "yan"},
	} {
		decode[object](t, give(g[0], g[1]), http.StatusOK)
	}
	refused(t, give("fax-line", "yan"), http.StatusConflict, "mutually-exclusive")
	refused(t, give("essential-user", "zoe"), http.StatusConflict, "mutually-exclusive")
	refused(t, give("voice-insight", "zoe"), http.StatusConflict, "mutually-exclusive")

	same(
		t,
		"licenses of the base and its add-on",
		len(list(t, w.admin, w.A+"/licenses?base=fax-line&status=assigned")),
		2,
	)
	summary := decode[struct{ Items []object }](t, w.admin.get(t, w.A+"/licenses/summary"), http.StatusOK)
	for _, s := range summary.Items {
		if s["productId"] == "fax-line" {
			same(t, "fax lines", fmt.Sprint(s["bought"], s["assigned"], s["available"]), fmt.Sprint(2., 1., 1.))
		}
	}
	if metrics := w.admin.get(
		t,
		w.A+"/metrics/licenses",
	); metrics.status != http.StatusOK ||
		!strings.Contains(string(metrics.body), "Kiosk Users") {
		t.Errorf("the metrics do not count the new users: %d %s", metrics.status, metrics.body)
	}
}
