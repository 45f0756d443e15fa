package usage

import (
	"time"

	"seatwise/shared/directory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// storedEvent is the document of a view.
type storedEvent struct {
	User      string `json:"user"`
	Dashboard string `json:"dashboard"`
	// At is in Unix milliseconds.
	At int64 `json:"at"`
}

// arrival is the document of the views of a call, which a run takes into the rollups.
type arrival struct {
	Views []storedEvent `json:"views"`
}

// head is the document of a day's rollup: its leaves, in the order of the people in them, and what has come
// since they were written.
type head struct {
	Leaves []leafRef `json:"leaves,omitempty"`
	// Recent are the ids of small chunks of whomever, of today alone: to write a leaf again for each view would
	// cost its size. A day that is over has none, so that a window of many days reads few items.
	Recent []string `json:"recent,omitempty"`
}

// leafRef names a leaf. A leaf has the people from First up to the next leaf's First; leaves with one First
// have nobody but that person, of whom there is more than a leaf takes.
type leafRef struct {
	First string `json:"first"`
	ID    string `json:"id"`
}

// folded says how far the rollups of an account are.
type folded struct {
	// Until is the moment up to which all that came is in them: views, and changes of who is monitored.
	Until time.Time `json:"until"`
	// Day is the last day of the account, such as 2026-01-31, that begins with who was monitored then.
	Day string `json:"day"`
}

// storedViewer is what is known of a viewer's grant.
type storedViewer struct {
	User string `json:"user"`
	// Viewed is a view of the last UTC day with views, at most an hour before the last one, which
	// the rollups know.
	directory.Viewed
	// Pending says that the view is stored and the grant is not: a crash came between, or the grant
	// failed.
	Pending bool `json:"pending,omitempty"`
	// Cause is who told of the view whose grant is pending.
	Cause call.Cause `json:"cause,omitzero"`
}

// viewerState is a viewer as loaded.
type viewerState struct {
	storedViewer
	version int64
	exists  bool
}

// loadViewer takes a viewer out of what was found; one that is not there is new.
func loadViewer(found map[table.Key]table.Item, account, user string) (viewerState, error) {
	item, ok := found[viewerKey(account, user)]
	if !ok {
		return viewerState{storedViewer: storedViewer{User: user}}, nil
	}
	v, err := call.Decode[storedViewer](item)
	return viewerState{storedViewer: v, version: item.Version, exists: true}, err
}

// seen is the viewer after a view that cause told of, and whether that differs from before. granted
// says whether they hold the grant.
func (v viewerState) seen(dashboard string, at time.Time, granted bool, cause call.Cause) (viewerState, bool) {
	after := v
	// Not each view: a write for each would double what views cost.
	if v.LastView.IsZero() || utcDay(at).After(utcDay(v.LastView)) || at.Sub(v.LastView) > noted {
		after.Viewed = directory.Viewed{LastView: at.UTC(), Dashboard: dashboard}
	}
	if !granted && !v.Pending {
		after.Pending, after.Cause = true, cause
	}
	return after, after != v
}

// put writes the viewer on condition that nobody else did meanwhile.
func (v viewerState) put(account string) (table.Operation, error) {
	data, err := call.Encode(v.storedViewer)
	if err != nil {
		return table.Operation{}, err
	}
	item := table.Item{Key: viewerKey(account, v.User), Data: data}
	item.IndexKeys[0] = table.Key{
		Partition: viewersPartition(account),
		Sort:      v.LastView.Format(time.DateOnly) + "#" + v.User,
	}
	if v.Pending {
		item.IndexKeys[2] = viewerMarkers.Place(account, v.User)
	}
	cond := table.IfAbsent
	if v.exists {
		cond = table.IfVersion(v.version)
	}
	return table.Put(item, cond), nil
}
