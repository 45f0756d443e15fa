package usage

import (
	"fmt"
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

// head is the document of a day's rollup: which generation of chunks is the rollup, and its
// figures.
type head struct {
	// Generation names the chunks; a new one for each rollup that differs from the one before.
	Generation string `json:"generation"`
	Chunks     int    `json:"chunks"`
	// Digest is the SHA-256 of the chunks: a run that comes to the same rollup writes nothing.
	Digest string `json:"digest"`
	// Events is how many views were folded. Views only ever come, until they expire: a run that
	// finds fewer does not know the whole day any more.
	Events int `json:"events"`
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

// ordinal numbers chunks so that they sort.
func ordinal(n int) string { return fmt.Sprintf("%04d", n) }
