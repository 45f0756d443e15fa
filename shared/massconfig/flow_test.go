package massconfig

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// seed is the sample of the product that this one replaces.
func seed() [][]string {
	return [][]string{
		{"Ext Key", "Number", "User", "Addon license 1", "Addon license 2", "Addon license 3", "Addon license 4"},
		{
			"101",
			"6567891230",
			"John",
			"device_ip_phone",
			"device_mobile_app",
			"license_dnc_checking_enabled",
			"call_recording",
		},
		{
			"102",
			"6567891231",
			"Alice",
			"device_ip_phone",
			"device_mobile_app",
			"license_dnc_checking_enabled",
			"call_recording",
		},
		{"104", "6567891232", "Lucie", "device_ip_phone", "device_desktop_app", "call_recording"},
		{"109", "6567891233", "Hallie", "device_ip_phone", "device_desktop_app", "call_recording"},
	}
}

const configuredSeed = `alice: 102/6567891231 call_recording device_ip_phone device_mobile_app license_dnc_checking_enabled phone-system
hallie: 109/6567891233 call_recording device_desktop_app device_ip_phone phone-system
john: 101/6567891230 call_recording device_ip_phone device_mobile_app license_dnc_checking_enabled phone-system
lucie: 104/6567891232 call_recording device_desktop_app device_ip_phone phone-system
phone-system 4
call_recording 4
device_desktop_app 2
license_dnc_checking_enabled 2
device_ip_phone 4
device_mobile_app 2`

// The whole way of a file, as workbook and as text (requirements, section 5).
func TestFileFromUploadToResult(t *testing.T) {
	for _, kind := range []string{"xlsx", "csv"} {
		t.Run(kind, func(t *testing.T) {
			o := open(t)
			o.Hire("John", "Alice", "Lucie", "Hallie")
			o.Buy(5, all()...)
			body := filejobs.CSVFile(seed())
			if kind == "xlsx" {
				body = o.XLSXFile(seed())
			}
			before := o.state()

			v := o.ask("phones."+kind, body, false)
			if v.State != AwaitingUpload || v.Source != FromAPI || v.Upload == nil ||
				v.Upload.ExpiresAt.Sub(v.CreatedAt) != uploadLife {
				t.Fatalf("asked: %+v", v)
			}
			arrived := o.Put(v, body)
			o.Must(o.Check(o.Ctx, arrived))
			v = o.In(Ready, o.Get(v.ID))
			o.EqualState(o.state(), before)
			if v.Counts != (Counts{Rows: 4, New: 4}) || v.Percent != 0 || len(v.Errors) != 0 {
				t.Fatalf("checked: %+v", v)
			}
			want := []Need{
				{ProductID: "phone-system", Wanted: 4, Available: 5},
				{ProductID: "call_recording", Wanted: 4, Available: 5},
				{ProductID: "device_desktop_app", Wanted: 2, Available: 5},
				{ProductID: "license_dnc_checking_enabled", Wanted: 2, Available: 5},
				{ProductID: "device_ip_phone", Wanted: 4, Available: 5},
				{ProductID: "device_mobile_app", Wanted: 2, Available: 5},
			}
			if diff := cmp.Diff(want, v.Needs); diff != "" {
				t.Errorf("needs, wanted -, got +:\n%s", diff)
			}
			rows := o.Rows(v.ID)
			if len(rows) != 4 || rows[2].Row != 4 || rows[2].Extension != "104" || rows[2].UserID != "lucie" ||
				rows[2].Outcome != New ||
				!slices.Equal(rows[2].AddOns, []string{"call_recording", "device_desktop_app", "device_ip_phone"}) ||
				!slices.Contains(rows[2].Differences, Difference{"user", "", "lucie"}) {
				t.Errorf("rows %+v", rows)
			}

			v = o.In(Completed, o.configure(v.ID))
			o.EqualState(o.state(), configuredSeed)
			if v.Percent != 100 || v.Applied != 4 || v.Refused != 0 || v.EndedAt == nil {
				t.Errorf("configured: %+v", v)
			}
			got := o.Result(v)
			for i, line := range seed() {
				line = append(line, make([]string, 7-len(line))...)
				if !slices.Equal(got[i][:7], line) {
					t.Errorf("row %d of the result is %q, the input %q", i+1, got[i], line)
				}
			}
			if !slices.Equal(got[0][7:], []string{"Status", "Message"}) || got[1][7] != "configured" ||
				!strings.Contains(got[1][8], "User: none, now john") ||
				!strings.Contains(got[3][8], "Add-ons: none, now Call Recording, Desktop, IP Phone") {
				t.Errorf("result %q", got)
			}

			// The same file again: nothing to do. And a result file that comes back is read like
			// any other.
			again := o.In(Ready, o.upload("phones."+kind, body, false))
			if again.Counts != (Counts{Rows: 4, Unchanged: 4}) || len(again.Needs) != 0 {
				t.Errorf("checked again: %+v", again)
			}
			back := filejobs.CSVFile(got)
			if kind == "xlsx" {
				back = o.XLSXFile(got)
			}
			if again = o.In(
				Ready,
				o.upload("result."+kind, back, false),
			); again.Counts != (Counts{Rows: 4, Unchanged: 4}) {
				t.Errorf("result checked: %+v", again)
			}
			if again = o.In(Completed, o.configure(again.ID)); again.Applied != 0 {
				t.Errorf("nothing configured: %+v", again)
			}
			o.EqualState(o.state(), configuredSeed)
			if got := o.Result(again); len(got[0]) != 9 || got[1][7] != "unchanged" {
				t.Errorf("result of a result: %q", got)
			}
		})
	}
}

// watching tells of every commit.
type watching struct {
	table.Store
	seen func(ops []table.Operation)
}

func (w *watching) Commit(ctx context.Context, ops []table.Operation) error {
	w.seen(ops)
	return w.Store.Commit(ctx, ops)
}

// A check writes its own records and nothing else (requirements, section 5.3).
func TestCheckTouchesNothing(t *testing.T) {
	o := open(t)
	o.Hire("John", "Alice", "Lucie", "Hallie")
	o.Buy(5, all()...)
	o.give("john", "109", "6567891231", "call_recording")
	written := 0
	o.Env.Table = &watching{o.Store, func(ops []table.Operation) {
		for _, op := range ops {
			written++
			kind, _, _ := call.OwnMarker(o.Account, op.Item.Key)
			own := strings.Contains(op.Item.Partition, "#MASSCONFIG") || kind == "MASSCONFIG" ||
				strings.Contains(op.Item.Partition, "#AUDIT#massConfiguration#")
			if !own && op.Kind != table.KindCheck {
				t.Errorf("the check writes %s", op.Item.Key)
			}
		}
	}}
	v := o.checked(Ready, seed()[1:]...)
	if v.Counts != (Counts{Rows: 4, New: 3, Change: 1}) || written == 0 {
		t.Errorf("%+v after %d writes", v.Counts, written)
	}
	o.In(Rejected, o.upload("bad.csv", filejobs.CSVFile(sheetOf(row("101", "", "nobody"))), false))
}
