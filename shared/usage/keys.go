package usage

import (
	"time"

	"seatwise/shared/directory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The keys of usage; docs/data-model.md says what each costs.

// eventKey is where a view lies: alone in its partition, so that any number of them can be written
// at once.
func eventKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "VIEW", id), Sort: "VIEW"}
}

// arrivalShards is over how many partitions the views that come on one day are spread. One takes
// about 1,000 units written a second, some 15,000 views in calls of a hundred.
const arrivalShards = 4

// arrivalsPartition lists the calls that told of views, by the moment at which they were stored: a run reads what
// came since the one before it, of whatever day it is.
func arrivalsPartition(account string, date time.Time, shard int) string {
	return call.Partition(account, "ARRIVED", date.Format(time.DateOnly), string(rune('0'+shard)))
}

// arrivalKey is where the views of a call lie beside each other; id is of the call alone.
func arrivalKey(account string, at time.Time, id string) table.Key {
	return table.Key{
		Partition: arrivalsPartition(account, utcDay(at), call.Spread(id, arrivalShards)),
		Sort:      call.AuditMoment(at) + "#" + id,
	}
}

// headsPartition has the head of each day's rollup.
func headsPartition(account string) string { return call.Partition(account, "USAGE") }

func headKey(account string, date time.Time) table.Key {
	return table.Key{Partition: headsPartition(account), Sort: date.Format(time.DateOnly)}
}

// foldedKey is where it says how far the rollups are; it sorts behind the heads.
func foldedKey(account string) table.Key {
	return table.Key{Partition: headsPartition(account), Sort: "FOLDED"}
}

// chunkKey is one chunk of a day's rollup.
func chunkKey(account string, date time.Time, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "ROLLUP", date.Format(time.DateOnly)), Sort: id}
}

// viewerKey is what is known of a viewer's grant.
func viewerKey(account, user string) table.Key { return directory.ViewedKey(account, user) }

// viewersPartition lists the viewers by the UTC day of their last view, in Index1.
func viewersPartition(account string) string { return call.Partition(account, "VIEWERS") }

// viewerMarkers are on the viewers whose view is the reason for a grant that is not given yet.
var viewerMarkers = call.PlacedMarkers("VIEWER")
