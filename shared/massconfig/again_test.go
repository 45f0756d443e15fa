package massconfig

import (
	"context"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
)

// Two files that are dropped at the same time and are about the same phones: both are checked
// before either is applied, so the plan of the second no longer fits. It is checked again
// automatically, and both come to their end.
func TestOverlappingDrops(t *testing.T) {
	o := open(t)
	file := o.floor(8)
	other := [][]string{row(file[0][0], file[0][1], file[0][2], "call_recording"), file[1]}
	for name, rows := range map[string][][]string{"a.csv": file, "b.csv": other} {
		o.Must(o.Check(o.Ctx, o.drop("drops/"+o.Account+"/"+name, filejobs.CSVFile(sheetOf(rows...)))))
	}
	o.deliver()
	applied := map[string]int{}
	again := 0
	for _, v := range o.list() {
		o.In(Completed, v)
		applied[v.FileName] = v.Applied
		for what, n := range o.audits() {
			if strings.HasPrefix(what, "massConfiguration.checkedAgain ") && strings.Contains(what, v.ID) {
				again += n
			}
		}
	}
	if len(applied) != 2 || applied["a.csv"] == 0 || again != 1 {
		t.Errorf("applied %v, checked again %d times", applied, again)
	}
	o.state()
}

// A drop whose plan never fits is not checked for ever.
func TestDropThatNeverFits(t *testing.T) {
	o := open(t)
	o.Hire("John")
	o.Buy(9, "phone-system")
	o.Must(o.Check(o.Ctx, o.drop("drops/"+o.Account+"/a.csv", filejobs.CSVFile(sheetOf(row("101", "", "john"))))))
	for n := range 2 * mostAgain {
		for _, wakeUp := range o.Files.Take() {
			// and between the check and the first row, somebody changes what it is about
			if v := o.list()[0]; v.State == configuring {
				o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
					if n%4 == 0 {
						return ch.Grant(ctx, "john", catalog.PhoneSystemID, license.Direct)
					}
					return ch.Unassign(ctx, "john", catalog.PhoneSystemID)
				}, "john")
			}
			o.Must(o.Apply(o.Ctx, filejobs.Event(wakeUp)))
		}
	}
	for _, wakeUp := range o.Files.Take() {
		o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
			return ch.Grant(ctx, "john", catalog.PhoneSystemID, license.Direct)
		}, "john")
		o.change(
			func(ctx context.Context, ch *license.UnitOfWork) error { return ch.Extend(ctx, "john", "555", "") },
			"john",
		)
		o.Must(o.Apply(o.Ctx, filejobs.Event(wakeUp)))
	}
	v := o.In(Failed, o.list()[0])
	if !strings.Contains(v.Message, "no longer fits") || o.marked(v.ID) {
		t.Errorf("%+v", v)
	}
	o.state()
}

// A check that has too little time left hands itself on to the next invocation, which begins with
// all its time.
func TestCheckHandsOnBeforeTheDeadline(t *testing.T) {
	o := open(t)
	o.Clock.Set(time.Now())
	body := filejobs.CSVFile(sheetOf(o.floor(chunkRows*chunksAtOnce + 5)...))
	v := o.ask("phones.csv", body, false)
	arrived := o.Put(v, body)
	ctx, cancel := context.WithDeadline(o.Ctx, o.Clock.Now().Add((handOn-1)*time.Second))
	defer cancel()
	o.Must(o.Check(ctx, arrived))
	o.In(Checking, o.Get(v.ID))
	if !o.marked(v.ID) {
		t.Error("nobody is to go on")
	}
	o.deliver()
	if v = o.In(Ready, o.Get(v.ID)); v.Counts.New != chunkRows*chunksAtOnce+5 {
		t.Errorf("%+v", v)
	}
}
