package massconfig

import (
	"regexp"
	"testing"

	"seatwise/infra/testing/filejobs"
)

// The same version of an object takes effect once, whatever else the event of another delivery says
// (invariant I12).
func TestDropDeliveredWithAnotherTime(t *testing.T) {
	o := open(t)
	dropped := o.drop("drops/"+o.Account+"/phones.csv", filejobs.CSVFile(sheetOf(o.floor(3)...)))
	later := regexp.MustCompile(`"eventTime":"[^"]*"`).
		ReplaceAll(dropped, []byte(`"eventTime":"2026-07-15T18:00:01.000Z"`))
	if string(later) == string(dropped) {
		t.Fatal("the event has no time to change")
	}
	o.Must(o.Check(o.Ctx, dropped))
	o.deliver()
	o.Must(o.Check(o.Ctx, later))
	o.deliver()
	if list := o.list(); len(list) != 1 || list[0].State != Completed {
		t.Fatalf("%+v", list)
	}
}
