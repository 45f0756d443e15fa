package massconfig

import (
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// dropKey remembers which mass configuration a dropped object became.
func dropKey(account, object string) table.Key {
	return table.Key{Partition: call.Partition(account, "MASSCONFIG-DROP", object), Sort: "DROP"}
}

// dropsPrefix begins the keys of files that are dropped into the uploads bucket: drops/{account}/{file}.
const dropsPrefix = "drops/"
