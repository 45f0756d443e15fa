package offboarding_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/directory"
	"seatwise/shared/offboarding"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

const forgetAnn = "/v1/accounts/initech/users/ann/forget"

// remembered has initech know Ann by two names, a number, a request, an answer under a key, and a workbook, and
// has her deactivated.
func (o *office) remembered() {
	o.t.Helper()
	o.do("PATCH", "/v1/accounts/initech/users/ann", map[string]any{
		"name": "Ann Later & Co", "extension": "101", "number": "+1 656-789-1230",
	}, http.StatusOK)
	requested := table.Item{
		Key:  table.Key{Partition: call.Partition("initech", "REQUESTS"), Sort: "1"},
		Data: []byte(`{"id":"1","userId":"ann","userName":"Ann Of-initech","reason":"She is ill.","amount":{"amount":2599}}`),
	}
	planned := table.Item{
		Key:  table.Key{Partition: call.Partition("initech", "MASSCONFIG-PARTS", "1"), Sort: "PLAN#000001"},
		Data: []byte(`{"rows":[{"user":"Ann Of-initech","message":"ann later & co was bob before"},{"user":"Bob Of-initech"}]}`),
	}
	ops := []table.Operation{table.Put(requested, table.Always), table.Put(planned, table.Always)}
	o.must(o.sound.Commit(o.t.Context(), ops))
	var book bytes.Buffer
	to := zip.NewWriter(&book)
	part, err := to.Create("xl/worksheets/sheet1.xml")
	o.must(err)
	_, err = io.WriteString(part, `<c t="inlineStr"><is><t>Ann Later &amp; Co</t></is></c><c><v>42</v></c>`)
	o.must(err)
	o.must(to.Close())
	ref := files.Ref{Bucket: files.Reports, Key: files.ReportsFolder + "initech/r.xlsx"}
	_, err = o.Env.Files.Put(o.t.Context(), ref, bytes.NewReader(book.Bytes()), int64(book.Len()), "x")
	o.must(err)
	o.do("PATCH", "/v1/accounts/initech/users/ann", map[string]any{"active": false}, http.StatusOK)
}

// unpacked is everything, with the texts of workbooks.
func (o *office) unpacked() map[string]string {
	o.t.Helper()
	all := o.everything()
	for at, text := range all {
		in, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
		if err != nil {
			continue
		}
		for _, part := range in.File {
			body, err := part.Open()
			o.must(err)
			said, err := io.ReadAll(body)
			o.must(err)
			all[at] = string(said)
		}
	}
	return all
}

var annsWords = []string{
	"Ann Of-initech", "Ann Later", "ann@initech.example", "656-789-1230", "16567891230", "She is ill",
}

// TestForgottenIsNowhere forgets a person, and looks for what told who they are in everything that is stored.
// Everybody else, and every sum, is as it was.
func TestForgottenIsNowhere(t *testing.T) {
	stores(t, func(t *testing.T, k *fixtures.Fixture) {
		o := newOffice(t, k)
		o.refused("POST", forgetAnn, nil, "wrong-state") // she is active
		o.refused("POST", "/v1/accounts/initech/users/zoe/forget", nil, "not-found")
		o.remembered()
		others := find(o.unpacked(), "initrode")
		before := o.do("GET", "/v1/accounts/initech/users/bob", nil, 200)
		o.refused("GET", forgetAnn, nil, "not-found")
		o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
		o.woken()
		token := o.do("POST", forgetAnn, nil, http.StatusAccepted)["token"]
		o.woken()
		f := fixtures.Decode[offboarding.Forgotten](t, o.Do(t, o.http, operator("GET", forgetAnn, nil)), 200)
		if f.State != "forgotten" || f.EndedAt == nil || f.Token != token {
			t.Errorf("told %+v", f)
		}
		all := o.unpacked()
		if left := find(all, annsWords...); len(left) > 0 {
			t.Errorf("of her there is left: %s", strings.Join(left, "\n"))
		}
		read := o.Do(t, o.http, operator("GET", "/v1/accounts/initech/users/ann", nil))
		ann := fixtures.Decode[directory.User](t, read, 200)
		if ann.Name != f.Token || ann.Email != "" || ann.Number != "" || ann.Extension != "101" {
			t.Errorf("she is %+v", ann)
		}
		if diff := cmp.Diff(before, o.do("GET", "/v1/accounts/initech/users/bob", nil, 200)); diff != "" {
			t.Errorf("bob changed: %s", diff)
		}
		if diff := cmp.Diff(others, find(all, "initrode")); diff != "" {
			t.Errorf("the other account changed (-before +after):\n%s", diff)
		}
		for _, want := range []string{`{"amount":2599}`, "<v>42</v>", "second of initech", "Bob Of-initech"} {
			if len(find(all, want)) == 0 {
				t.Errorf("%s is gone", want)
			}
		}
		if state, _ := o.archived(); state != "expired" {
			t.Errorf("the archive that had her is %s", state)
		}
		o.do("PATCH", "/v1/accounts/initech/users/ann", map[string]any{"name": "Ann Again"}, http.StatusOK)
	})
}

// TestAForgetterThatDiesIsFollowed kills it before and after every commit.
func TestAForgetterThatDiesIsFollowed(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
		for at := 1; ; at++ {
			o := newOffice(t, fixtures.New(t))
			o.remembered()
			o.do("POST", forgetAnn, nil, http.StatusAccepted)
			o.Env.Table = faulty.New(o.sound, faulty.AtCommit(at, fault))
			died := o.night() != nil
			o.Env.Table = o.sound
			o.Clock.Add(time.Minute)
			o.must(o.night())
			if left := find(o.unpacked(), annsWords...); len(left) > 0 {
				t.Errorf("%s at commit %d: left %v", fault, at, left)
			}
			if !died {
				if at < 6 {
					t.Errorf("a run has %d commits", at)
				}
				break
			}
		}
	}
}
