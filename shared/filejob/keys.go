package filejob

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// The keys of jobs; docs/data-model.md says what each costs. Each module has partitions of its own,
// called after Names.Partition.

// JobsPartition lists the jobs of an account by their ids, which ascend in time.
func (n Names) JobsPartition(account string) string { return call.Partition(account, n.Partition) }

// JobKey is where a job lies.
func (n Names) JobKey(account, id string) table.Key {
	return table.Key{Partition: n.JobsPartition(account), Sort: id}
}

// partsPartition holds what belongs to one job: its plan in chunks, how far it is applied, and rows
// that were refused on the way.
func (n Names) partsPartition(account, id string) string {
	return call.Partition(account, n.Partition+"-PARTS", id)
}

// PlanPrefix begins the sort keys of a plan's chunks.
const PlanPrefix = "PLAN#"

func (n Names) chunkKey(account, id string, chunk int) table.Key {
	return table.Key{Partition: n.partsPartition(account, id), Sort: fmt.Sprintf("%s%06d", PlanPrefix, chunk)}
}

// besideKey names what a row keeps beside the plan, by the row's number in the file.
func (n Names) besideKey(account, id string, row, part int) table.Key {
	return table.Key{Partition: n.partsPartition(account, id), Sort: fmt.Sprintf("ROW#%07d#%03d", row, part)}
}

func (n Names) progressKey(account, id string) table.Key {
	return table.Key{Partition: n.partsPartition(account, id), Sort: "PROGRESS"}
}

const refusedPrefix = "REFUSED#"

// refusedKey names a row by its place in the plan, from 1.
func (n Names) refusedKey(account, id string, place int) table.Key {
	return table.Key{Partition: n.partsPartition(account, id), Sort: fmt.Sprintf("%s%07d", refusedPrefix, place)}
}

// Markers are those of the jobs on which somebody works, by their ids, so that another can finish what
// is left behind.
func (n Names) Markers() call.Markers { return call.OwnMarkers(n.Partition) }

// MarkerKey is where the marker of a job stands while somebody is to work on it.
func (n Names) MarkerKey(account, id string) table.Key {
	return n.Markers().Key(account, id)
}

// The object keys, all in the uploads bucket but for the result. A module's folder stands behind
// the account, so that one notification tells of all modules' objects.
const (
	// uploadsPrefix begins the keys of files that were asked for:
	// uploads/{account}/{folder}{id}/{name}.
	uploadsPrefix = files.UploadsFolder
	// WakeUpsPrefix begins the keys of objects that wake a worker:
	// jobs/configure/{account}/{folder}{id}.json.
	WakeUpsPrefix = files.FileWakeUpsFolder
	// resultsPrefix begins the keys of result files, in the reports bucket.
	resultsPrefix = files.ResultsFolder
)

// UploadObject is the key under which the file of a job is uploaded.
func (n Names) UploadObject(account, id, name string) string {
	return uploadsPrefix + account + "/" + n.Folder + id + "/" + safeName(name)
}

// WakeUpRef is the object that wakes a worker on a job.
func (n Names) WakeUpRef(account, id string) files.Ref {
	return files.Ref{Bucket: files.Uploads, Key: WakeUpsPrefix + account + "/" + n.Folder + id + ".json"}
}

// ResultRef is where the result file of a job lies, whose upload has that name.
func (n Names) ResultRef(account, id, name string) files.Ref {
	return files.Ref{Bucket: files.Reports, Key: resultsPrefix + account + "/" + n.Folder + id + "/" + resultName(name)}
}

// Location is the path of a job.
func (n Names) Location(account, id string) string {
	return "/v1/accounts/" + account + "/" + n.Path + "/" + id
}

// resultName is the name under which the result is downloaded.
func resultName(name string) string {
	name = safeName(name)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + " result" + ext
}

// safeName keeps a file's name to what every file system and header takes, and to 120 bytes.
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

// LeaseKey is where the lease of a job's worker stands.
func (n Names) LeaseKey(account, id string) table.Key {
	return table.Key{Partition: n.partsPartition(account, id), Sort: "LEASE"}
}
