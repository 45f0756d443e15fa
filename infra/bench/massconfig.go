package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"seatwise/infra/local/objects"
	"seatwise/infra/registry"
	"seatwise/infra/testing/inmemory"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/wire"
)

const (
	// onlyMassConfig is the value of -only that measures mass configuration alone.
	onlyMassConfig = "massconfig"
	// massRows is the largest file (requirements, section 5), and massPeak how much memory a phase
	// may take.
	massRows = 100_000
	massPeak = 200_000_000
	// workerMemory is the GOMEMLIMIT that template.yaml gives to the functions that check and
	// configure.
	workerMemory = 180 << 20
	// slowestCheck is how many times as long as a bare scan of the sheet's tokens the check may
	// take (issue 4).
	slowestCheck = 2.0
	// scans is how often the sheet is scanned, and checked; the fastest counts, since a busy
	// machine can only make it slower.
	scans = 5
)

// The add-ons of each row: of the file that is checked against the clock, as many as the sample of
// the product that this one replaces; of the one that is configured fewer, so that the bench does
// not take all day to buy them.
var (
	checkedAddOns = []string{"device_ip_phone", "call_recording", "team_chat", "license_number"}
	appliedAddOns = checkedAddOns[:2]
)

var errSlowCheck = errors.New("the check of a mass configuration is too slow, or takes too much memory")

// phase is one part of a mass configuration.
type phase struct {
	took time.Duration
	peak int64 // of the process's own memory, in bytes; 0 where the system does not tell
	cost cost
}

// massFigures are what a mass configuration of a number of rows takes.
type massFigures struct {
	rows         int
	scan         time.Duration // a bare scan of the sheet's tokens
	check, apply phase
}

func (f massFigures) ok() bool {
	return float64(f.check.took) <= slowestCheck*float64(f.scan) && f.check.peak < massPeak && f.apply.peak < massPeak
}

// massConfiguration measures how a file of 100,000 new phones is checked and configured, over the
// embedded store. With strict it fails when the figures are not good enough, which on a busy
// machine says little.
func massConfiguration(ctx context.Context, out io.Writer, rows int, strict bool) error {
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in a folder for temporary files
	f, err := measureMass(ctx, folder, rows)
	if err != nil {
		return fmt.Errorf("mass configuration: %w", err)
	}
	if err := f.print(out); err != nil {
		return err
	}
	if strict && !f.ok() {
		return errSlowCheck
	}
	return nil
}

func measureMass(ctx context.Context, folder string, rows int) (f massFigures, err error) {
	f.rows = rows
	store, err := bolt.Open(filepath.Join(folder, "table.bolt"))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	db, err := bbolt.Open(filepath.Join(folder, "objects.bolt"), 0o600, nil)
	if err != nil {
		return f, fmt.Errorf("open the list of objects: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w := &walker{functions: map[string]app.Function{}, meter: &meter{}}
	address, stop, err := w.serveObjects(ctx, db, filepath.Join(folder, "objects"))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	w.env = &app.Env{
		Table:      store,
		Files:      settingsOf(address).OpenFiles(),
		Clock:      wire.Clock,
		IDs:        wire.IDs{},
		Log:        slog.New(slog.DiscardHandler),
		CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")),
		Version:    "bench",
	}
	w.functions = registry.Make(w.env)
	if err := w.furnishMass(ctx, rows); err != nil {
		return f, err
	}
	file, err := massFile(rows, checkedAddOns)
	if err != nil {
		return f, err
	}
	if f.scan, err = fastestScan(file); err != nil {
		return f, err
	}
	for range scans {
		check, _, err := w.checkMass(ctx, file)
		if err != nil {
			return f, err
		}
		check.peak = max(check.peak, f.check.peak)
		if f.check.took == 0 || check.took < f.check.took {
			f.check.took = check.took
		}
		f.check.peak = check.peak
	}
	// Another check, and the configuring, with everything counted, which takes time of its own.
	w.env.Table = table.Counted(store, w.meter.heard)
	if file, err = massFile(rows, appliedAddOns); err != nil {
		return f, err
	}
	check, ready, err := w.checkMass(ctx, file)
	if err != nil {
		return f, err
	}
	f.check.cost = check.cost
	f.apply, err = w.applyMass(ctx, ready, rows)
	return f, err
}

func settingsOf(address string) wire.Settings {
	return wire.Settings{
		UploadsBucket: uploads,
		ReportsBucket: reports,
		Region:        "us-east-1",
		AccessKey:     objects.AccessKey,
		SecretKey:     objects.SecretKey,
		S3Endpoint:    address,
	}
}

// furnishMass makes the account, a number of users, and as many seats of each product as they need.
func (w *walker) furnishMass(ctx context.Context, rows int) error {
	if _, err := w.call(ctx, "AccountsFunction", http.MethodPut, accountPath, object{
		"name":       "Acme",
		"brand":      "Brand",
		"currency":   "USD",
		"timezone":   "America/Detroit",
		"billingDay": 1,
		"bundle":     "standard",
	}); err != nil {
		return err
	}
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(w.env, kernel)
	group, hiring := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for n := range rows {
		group.Go(func() error {
			id := fmt.Sprintf("user%06d", n)
			c := call.ForEvent(w.env, "acme", "bench", "bench", w.env.Clock())
			_, err := people.PutUser(
				hiring,
				c,
				directory.User{ID: id, Name: "User " + strconv.Itoa(n), Email: id + "@acme.test", Active: true},
			)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, product := range append([]string{catalog.PhoneSystemID}, appliedAddOns...) {
		for left := rows; left > 0; left -= license.MaxDelivery {
			c := call.ForEvent(w.env, "acme", "bench", "bench", w.env.Clock())
			lot := license.Lot{ProductID: product, Quantity: min(left, license.MaxDelivery)}
			if err := kernel.Deliver(ctx, c, license.Delivery{
				OrderID: w.env.IDs.Ordered(),
				Lots:    []license.Lot{lot},
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// massSheet is the name of the file's one sheet inside it.
const massSheet = "xl/worksheets/sheet1.xml"

// The names of the formats in a workbook.
const (
	schemas       = "http://schemas.openxmlformats.org/"
	relationships = schemas + "officeDocument/2006/relationships"
	types         = "application/vnd.openxmlformats-"
	sheetTypes    = types + "officedocument.spreadsheetml."
)

// massParts are the parts of a workbook beside its sheet.
var massParts = []struct{ name, content string }{
	{
		"[Content_Types].xml", `<Types xmlns="` + schemas + `package/2006/content-types">` +
			`<Default Extension="rels" ContentType="` + types + `package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + sheetTypes + `sheet.main+xml"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + sheetTypes + `worksheet+xml"/></Types>`,
	},
	{
		"_rels/.rels", `<Relationships xmlns="` + schemas + `package/2006/relationships"><Relationship Id="rId1" ` +
			`Type="` + relationships + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	},
	{
		"xl/workbook.xml", `<workbook xmlns="` + schemas + `spreadsheetml/2006/main" ` +
			`xmlns:r="` + relationships + `"><sheets><sheet name="Phones" sheetId="1" r:id="rId1"/></sheets></workbook>`,
	},
	{
		"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + schemas + `package/2006/relationships">` +
			`<Relationship Id="rId1" Type="` + relationships + `/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	},
}

// massFile makes a workbook of a number of new phones, with its texts in the cells, as programs
// write it.
func massFile(rows int, addOns []string) ([]byte, error) {
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	for _, part := range massParts {
		w, err := archive.Create(part.name)
		if err == nil {
			_, err = io.WriteString(w, part.content)
		}
		if err != nil {
			return nil, err
		}
	}
	part, err := archive.Create(massSheet)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(part)
	fmt.Fprint(w, `<worksheet xmlns="`+schemas+`spreadsheetml/2006/main"><sheetData>`)
	line := func(n int, cells ...string) {
		fmt.Fprintf(w, `<row r="%d">`, n)
		for i, cell := range cells {
			fmt.Fprintf(w, `<c r="%c%d" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+i, n, cell)
		}
		fmt.Fprint(w, `</row>`)
	}
	header := []string{"Ext Key", "Number", "User"}
	for n := range addOns {
		header = append(header, fmt.Sprintf("Addon license %d", n+1))
	}
	line(1, header...)
	for n := range rows {
		line(
			n+2,
			append(
				[]string{strconv.Itoa(100_000 + n), strconv.Itoa(6_560_000_000 + n), fmt.Sprintf("user%06d", n)},
				addOns...,
			)...,
		)
	}
	fmt.Fprint(w, `</sheetData></worksheet>`)
	if err := w.Flush(); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// fastestScan is how long the least work takes that any reader of the sheet does: to unpack it and
// to look at each of its tokens once.
func fastestScan(file []byte) (time.Duration, error) {
	var fastest time.Duration
	for range scans {
		archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return 0, err
		}
		sheet, err := archive.Open(massSheet)
		if err != nil {
			return 0, err
		}
		start := time.Now()
		tokens := xml.NewDecoder(sheet)
		for err == nil {
			_, err = tokens.RawToken()
		}
		if took := time.Since(start); fastest == 0 || took < fastest {
			fastest = took
		}
		if closeErr := sheet.Close(); !errors.Is(err, io.EOF) || closeErr != nil {
			return 0, fmt.Errorf("scan the sheet: %w", errors.Join(err, closeErr))
		}
	}
	return fastest, nil
}

// checkMass uploads the file and has it checked.
func (w *walker) checkMass(ctx context.Context, file []byte) (phase, string, error) {
	const fn, path = "MassConfigurationFunction", accountPath + "/mass-configurations"
	made, err := w.call(ctx, fn, http.MethodPost, path, object{"fileName": "phones.xlsx", "sizeBytes": len(file)})
	if err != nil {
		return phase{}, "", err
	}
	upload, _ := made["upload"].(object)
	if err := put(ctx, upload, file); err != nil {
		return phase{}, "", err
	}
	id := fmt.Sprint(made["id"])
	p, err := w.phase(func() error { return w.deliver(ctx) })
	if err != nil {
		return p, id, err
	}
	return p, id, w.reached(ctx, fn, path+"/"+id, "ready")
}

// applyMass configures what was checked.
func (w *walker) applyMass(ctx context.Context, id string, rows int) (phase, error) {
	const fn, path = "MassConfigurationFunction", accountPath + "/mass-configurations"
	if _, err := w.call(ctx, fn, http.MethodPost, path+"/"+id+"/configure", nil); err != nil {
		return phase{}, err
	}
	p, err := w.phase(func() error { return w.deliver(ctx) })
	if err != nil {
		return p, err
	}
	if err := w.reached(ctx, fn, path+"/"+id, "completed"); err != nil {
		return p, err
	}
	now, err := w.call(ctx, fn, http.MethodGet, path+"/"+id, nil)
	if err == nil && fmt.Sprint(now["applied"]) != fmt.Sprint(float64(rows)) {
		err = fmt.Errorf("%v of %d rows are applied", now["applied"], rows)
	}
	return p, err
}

// phase measures a step: its time, its calls and the most memory that the process had in it.
func (w *walker) phase(step func() error) (phase, error) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(workerMemory))
	debug.FreeOSMemory() // what came before is no part of it
	w.meter.take()
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, ownMemory())
			select {
			case <-tick.C:
			case <-stop:
				peak <- max(most, ownMemory())
				return
			}
		}
	}()
	start := time.Now()
	err := step()
	took := time.Since(start)
	close(stop)
	return phase{took: took, peak: <-peak, cost: w.meter.take()}, err
}

// ownMemory is how much memory the process has, in bytes, without the pages of files such as those
// of the embedded store; 0 where /proc does not tell.
func ownMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(status), "RssAnon:")
	if !found {
		return 0
	}
	line, _, _ := strings.Cut(rest, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

func (f massFigures) print(out io.Writer) error {
	fmt.Fprintf(
		out,
		`Mass configuration of %d new phones from a workbook, over the embedded store in memory: with %d
add-ons each when checked, %d when configured. A bare scan of the sheet's tokens (encoding/xml,
RawToken) takes %s. Memory is the process's own, files of the store left out.

`,
		f.rows,
		len(checkedAddOns),
		len(appliedAddOns),
		milliseconds(f.scan),
	)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(
		w,
		"phase\ttime\trows a second\ttimes the scan\tat most\tpeak memory\tat most\tcommits\trows a commit\tunits read a row\twritten\t\t",
	)
	for _, p := range []struct {
		name  string
		limit string
		phase
	}{{"check", fmt.Sprintf("%.1f", slowestCheck), f.check}, {"configure", "-", f.apply}} {
		verdict, rows := "PASS", float64(f.rows)
		if p.peak >= massPeak || p.name == "check" && float64(p.took) > slowestCheck*float64(f.scan) {
			verdict = "FAIL"
		}
		fmt.Fprintf(
			w,
			"%s\t%s\t%.0f\t%.2f\t%s\t%s\t%s\t%d\t%.2f\t%.2f\t%.2f\t%s\t\n",
			p.name,
			milliseconds(p.took),
			rows/p.took.Seconds(),
			float64(p.took)/float64(f.scan),
			p.limit,
			megabytes(
				p.peak,
			),
			megabytes(massPeak),
			p.cost.commits,
			rows/float64(max(1, p.cost.commits)),
			p.cost.reads/rows,
			p.cost.writes/rows,
			verdict,
		)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
