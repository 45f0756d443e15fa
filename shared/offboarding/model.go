// Package offboarding is what becomes of an account that leaves, and of a person who is to be forgotten
// (requirements, section 15): an account is archived as files that can be read without us, and erased; of a
// person the words that tell who they are are replaced.
//
// What is of an account is found by reading the whole table, for whatever is all of the work at once
// (decisions, 193). One function does that; it serves no requests.
package offboarding

import (
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// The states of an archive and of an erasure.
const (
	queued  = "queued"
	waiting = "waiting" // of an erasure that is not due yet
	running = "running"
	ready   = "ready"
	expired = "expired" // of an archive whose files are gone
	erased  = "erased"

	again     = "again" // of a person: what could be under way is waited for
	forgotten = "forgotten"
)

const (
	// archiveKept is how long the files of an archive are kept; the template's bucket removes them then.
	archiveKept = 30 * 24 * time.Hour
	// linkLife is how long a download's URL is good.
	linkLife = 15 * time.Minute
	// historyKept is how long the table can be restored to a moment (template.yaml), and failuresKept
	// how long what failed for good is kept, which may name an account.
	historyKept  = 35 * 24 * time.Hour
	failuresKept = 14 * 24 * time.Hour
)

// archive is an archive as it is stored.
type archive struct {
	ID        string     `json:"id"`
	State     string     `json:"state"`
	CreatedAt time.Time  `json:"createdAt"`
	CreatedBy string     `json:"createdBy"`
	Cause     call.Cause `json:"cause"`
	ReadyAt   time.Time  `json:"readyAt,omitzero"`
	// Files are those that describe the archive and list the objects; those of records are in parts.
	Files   []ArchiveFile `json:"files,omitempty"`
	version int64
}

// ArchiveFile is a file of an archive.
type ArchiveFile struct {
	Name    string `json:"name" doc:"The file's name."`
	Kind    string `json:"kind,omitempty" doc:"Which kind of records it has; none of files that describe the archive."`
	Records int    `json:"records" doc:"How many lines it has, each a record."`
	Size    int64  `json:"sizeBytes" doc:"Its size in bytes."`
	SHA256  string `json:"sha256" doc:"The SHA-256 of its bytes, in hexadecimal digits."`
}

// erasure is an erasure as it is stored. It outlives the account: once that is erased it does not say whose
// it was.
type erasure struct {
	ID      string       `json:"id"`
	Account string       `json:"account,omitempty"`
	State   string       `json:"state"`
	AskedAt time.Time    `json:"askedAt"`
	AskedBy string       `json:"askedBy"`
	DueAt   time.Time    `json:"dueAt"`
	EndedAt time.Time    `json:"endedAt,omitzero"`
	Counts  ErasedCounts `json:"counts"`
	Remains []Remaining  `json:"remains,omitempty"`
	// Counted says that the versions were counted, before the first of them was removed.
	Counted bool `json:"counted,omitempty"`
	version int64
}

// ErasedCounts say what was erased.
type ErasedCounts struct {
	Records  int            `json:"records" doc:"Records of the table, with all their entries in indexes."`
	Kinds    map[string]int `json:"kinds" nullable:"false" doc:"How many records of each kind, as in the documents."`
	Versions int            `json:"versions" doc:"Versions of files: uploaded, dropped, reports, results, archives."`
}

// Remaining is something that is not erased at once.
type Remaining struct {
	What  string     `json:"what" doc:"What it is."`
	Until *time.Time `json:"until,omitempty" doc:"When it is removed automatically; absent where that is not ours to say."`
}

// archiveMarkers are those of archives that are not ready, and archivesOf lists an account's.
var archiveMarkers = call.OwnMarkers("ARCHIVE")

func archivesOf(account string) string { return call.Partition(account, "ARCHIVES") }

func archiveKey(account, id string) table.Key {
	return table.Key{Partition: archivesOf(account), Sort: id}
}

// partsOf lists which files of records an archive has, in the order in which they were stored.
func partsOf(account, id string) string { return call.Partition(account, "ARCHIVE-PARTS", id) }

// object is where a file of an archive lies.
func object(account, id, name string) files.Ref {
	return files.Ref{Bucket: files.Reports, Key: files.ArchivesFolder + account + "/" + id + "/" + name}
}

// wakeUp is the object whose creation wakes the worker. Its body is nothing.
func wakeUp(account, id string) files.Ref {
	return files.DocumentOf(files.OffboardingsFolder, account, id)
}

// erasures lists the erasures there ever were, and due those that are not done.
var (
	erasures = call.Partition(call.Nowhere, "ERASURES")
	due      = call.Partition(call.Nowhere, "ERASURES-DUE")
)

func erasureKey(id string) table.Key { return table.Key{Partition: erasures, Sort: id} }

func dueKey(id string) table.Key { return table.Key{Partition: due, Sort: id} }

// sweepKey is where it stands how far the reading of the table has come, and leaseKey who is at it.
var (
	sweepKey = table.Key{Partition: call.Partition(call.Nowhere, "SWEEP"), Sort: "SWEEP"}
	leaseKey = table.Key{Partition: call.Partition(call.Nowhere, "SWEEP"), Sort: "LEASE"}
)

// put is the operation that writes a document in the place of the one that was read in this version, 0 for
// none.
func put(key table.Key, v any, version int64) (table.Operation, error) {
	data, err := call.Encode(v)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if version > 0 {
		cond = table.IfVersion(version)
	}
	return table.Put(table.Item{Key: key, Data: data}, cond), nil
}

func decodeArchive(item table.Item) (archive, error) {
	a, err := call.Decode[archive](item)
	a.version = item.Version
	return a, err
}

func decodeErasure(item table.Item) (erasure, error) {
	e, err := call.Decode[erasure](item)
	e.version = item.Version
	return e, err
}
