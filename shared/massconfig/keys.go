package massconfig

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"seatwise/shared/call"
	"seatwise/shared/table"
)

// The keys of mass configuration; docs/data-model.md says what each costs.

func jobsPartition(account string) string { return call.Partition(account, "MASSCONFIG") }

func jobKey(account, id string) table.Key {
	return table.Key{Partition: jobsPartition(account), Sort: id}
}

// partsPartition holds what belongs to one mass configuration: its plan in chunks, how far it is applied, and rows that were refused on the way.
func partsPartition(account, id string) string {
	return call.Partition(account, "MASSCONFIG-PARTS", id)
}

const planPrefix = "PLAN#"

func chunkKey(account, id string, chunk int) table.Key {
	return table.Key{Partition: partsPartition(account, id), Sort: fmt.Sprintf("%s%06d", planPrefix, chunk)}
}

func progressKey(account, id string) table.Key {
	return table.Key{Partition: partsPartition(account, id), Sort: "PROGRESS"}
}

const refusedPrefix = "REFUSED#"

// refusedKey names a row by its place in the plan, from 1.
func refusedKey(account, id string, place int) table.Key {
	return table.Key{Partition: partsPartition(account, id), Sort: fmt.Sprintf("%s%07d", refusedPrefix, place)}
}

// marks lists the mass configurations of all accounts on which somebody works, so that another can finish what is left behind.
const marks = "JOBS#MASSCONFIG"

func markKey(account, id string) table.Key {
	return table.Key{Partition: marks, Sort: account + "#" + id}
}

// dropKey remembers which mass configuration a dropped object became.
func dropKey(account, object string) table.Key {
	return table.Key{Partition: call.Partition(account, "MASSCONFIG-DROP", object), Sort: "DROP"}
}

// The object keys, all in the uploads bucket but for the result.
const (
	uploadsPrefix = "uploads/"
	dropsPrefix   = "drops/"
	ticketsPrefix = "jobs/configure/"
	resultsPrefix = "results/"
)

func uploadObject(account, id, name string) string {
	return uploadsPrefix + account + "/" + id + "/" + safeName(name)
}

func ticketObject(account, id string) string { return ticketsPrefix + account + "/" + id + ".json" }

func resultObject(account, id, name string) string {
	return resultsPrefix + account + "/" + id + "/" + resultName(name)
}

// resultName is the name under which the result is downloaded.
func resultName(name string) string {
	name = safeName(name)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + " result" + ext
}

// safeName keeps a file's name to what every file system and header takes.
func safeName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	clean := strings.Map(func(r rune) rune {
		switch {
		case r > unicode.MaxASCII, unicode.IsControl(r), strings.ContainsRune(`"*:<>?|%#&{}^~[]`+"`", r):
			return '_'
		}
		return r
	}, name)
	if len(clean) > 120 {
		ext := path.Ext(clean)
		ext = ext[:min(len(ext), 10)]
		clean = clean[:120-len(ext)] + ext
	}
	return clean
}
