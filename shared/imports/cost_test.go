package imports_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/parts"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/platform/table"
)

// What a row of each kind costs, by calls of the table. docs/data-model.md builds on the figures
// that are logged in the long rounds; the bounds keep them from growing unnoticed.
func TestCostOfRows(t *testing.T) {
	rows := parts.Sized(30, 100)
	o := open(t)
	o.role("agent", "essential-user")
	var agents []string
	for i := range rows {
		agents = append(agents, fmt.Sprintf("agent%03d", i))
		o.hire(agents[i])
	}
	files := map[imports.Kind][][]string{}
	for i := range rows {
		files[imports.Users] = append(files[imports.Users], row(
			fmt.Sprintf(
				"user%03d",
				i,
			),
			fmt.Sprintf("User %d", i),
			fmt.Sprintf("user%d@acme.example", i),
			fmt.Sprint(100+i),
			fmt.Sprint(6567891000+i),
			"",
			"",
			"agent",
			"",
			"client-desktop",
		))
		files[imports.CallQueues] = append(
			files[imports.CallQueues],
			row(fmt.Sprintf("q%03d", i), "Queue", strings.Join(agents[:min(rows, 50)], ";")),
		)
		files[imports.Dashboards] = append(
			files[imports.Dashboards],
			row(fmt.Sprintf("d%03d", i), "Board", fmt.Sprintf("q%03d;q%03d", i, (i+1)%rows)),
		)
	}
	for _, kind := range []imports.Kind{imports.Users, imports.CallQueues, imports.Dashboards} {
		calls, operations := map[string]int{}, 0
		read, written := 0.0, 0.0
		var mu sync.Mutex // a check reads several batches at once
		counted := table.Counted(o.Store, func(op string, units float64) {
			mu.Lock()
			defer mu.Unlock()
			calls[op]++
			if op == "TransactWriteItems" {
				written += units
			} else {
				read += units
			}
		})
		o.Env.Table = &filejobs.Through{Store: counted, Passing: func(
			_ context.Context, ops []table.Operation, commit func() error,
		) error {
			operations += len(ops)
			return commit()
		}}
		report := func(what string) (commits int) {
			commits = calls["TransactWriteItems"]
			t.Logf(
				"%s, %s: %.2f commits a row, %.1f operations; %.1f reads; %.1f units read, %.1f written a row",
				kind,
				what,
				float64(commits)/float64(rows),
				float64(
					operations,
				)/float64(
					rows,
				),
				float64(calls["BatchGetItem"]+calls["GetItem"]+calls["Query"])/float64(rows),
				read/float64(rows),
				written/float64(rows),
			)
			clear(calls)
			operations, read, written = 0, 0, 0
			return commits
		}
		v := o.checked(filejob.Ready, kind, files[kind]...)
		if commits := report("check"); commits > rows/10+10 {
			t.Errorf("%s: the check takes %d commits", kind, commits)
		}
		o.Env.Table = &filejobs.Through{Store: counted, Passing: func(
			_ context.Context, ops []table.Operation, commit func() error,
		) error {
			operations += len(ops)
			return commit()
		}}
		if v = o.run(v.ID); v.Applied != rows {
			t.Fatalf("%+v", v)
		}
		// its own, and taking the marker away
		if commits := report("apply, with the markers that it leaves"); kind == imports.Users && commits > 2*rows+10 {
			t.Errorf("%s: applying takes %d commits", kind, commits)
		}
		o.Env.Table = o.Store
	}
}
