package massconfig

import (
	"crypto/sha256"
	"encoding/hex"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// dropKey remembers which mass configuration a dropped object became.
func dropKey(account, object string) table.Key {
	return table.Key{Partition: call.Partition(account, "MASSCONFIG-DROP", object), Sort: "DROP"}
}

// newestKey remembers the newest version of a dropped file that was told of, and the mass
// configuration that it became.
func newestKey(account, bucket, key string) table.Key {
	sum := sha256.Sum256([]byte(bucket + "\x00" + key))
	return table.Key{
		Partition: call.Partition(account, "MASSCONFIG-DROPPED", hex.EncodeToString(sum[:])),
		Sort:      "NEWEST",
	}
}

// dropsPrefix begins the keys of files that are dropped into the uploads bucket:
// drops/{account}/{file}.
const dropsPrefix = "drops/"
