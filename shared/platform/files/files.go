// Package files is the one file port (design, decision 4); its one adapter, S3, is in s3store, so
// that a module links no SDK.
package files

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// Bucket is one of the two buckets by its role; the adapter knows its name.
type Bucket string

// The buckets.
const (
	// Uploads takes what comes in: uploads/{account}/{id}/..., drops/{account}/..., and the job
	// wake-ups jobs/....
	Uploads Bucket = "uploads"
	// Reports keeps what goes out: results, reports, and the job wake-ups of the report builder.
	Reports Bucket = "reports"
)

// Ref names one object; Version is empty for the newest.
type Ref struct {
	Bucket  Bucket
	Key     string
	Version string
}

// Info describes a stored object.
type Info struct {
	Ref
	Size        int64
	ContentType string
	ETag        string
}

// Upload tells a client how to put a file: this method to this URL with exactly these headers,
// until ExpiresAt.
type Upload struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expiresAt"`
}

// Expected is what an upload must be, exactly.
type Expected struct {
	Ref Ref
	// Size is in bytes.
	Size        int64
	ContentType string
	// SHA256 is in hexadecimal digits; empty takes any content.
	SHA256 string
	// At is from when on it may be sent, and Life for how long.
	At   time.Time
	Life time.Duration
}

// ErrNotFound is returned by a Store for an object that is not there.
var ErrNotFound = errors.New("no such object")

// Store is the port.
type Store interface {
	// Name is the bucket's name outside, as events tell it.
	Name(b Bucket) string
	// PresignPut signs a PUT that is good for exactly this upload and never overwrites
	// (If-None-Match: *) (requirements, section 5.2).
	PresignPut(ctx context.Context, want Expected) (Upload, error)
	// PresignGet signs a GET whose answer downloads under fileName. The URL is a bearer secret
	// until it expires.
	PresignGet(
		ctx context.Context,
		ref Ref,
		fileName string,
		now time.Time,
		life time.Duration,
	) (url string, expiresAt time.Time, err error)
	// Head describes an object; ErrNotFound when there is none.
	Head(ctx context.Context, ref Ref) (Info, error)
	// Get opens an object for reading from start to end; the caller closes it. ErrNotFound when
	// there is none.
	Get(ctx context.Context, ref Ref) (io.ReadCloser, Info, error)
	// Put stores an object whole from a seekable body of this size, replacing what was there.
	Put(ctx context.Context, ref Ref, body io.ReadSeeker, size int64, contentType string) (Info, error)
}

// Keeper sees every version of what is stored, and takes versions away for good. It is for the one function
// that does.
type Keeper interface {
	// Versions hands every version of the objects whose keys begin so to visit, deletions too, until it
	// returns an error.
	Versions(ctx context.Context, b Bucket, prefix string, visit func(Stored) error) error
	// Remove takes a version away for good; one that is not there is no fault. The ref names it.
	Remove(ctx context.Context, ref Ref) error
}

// Stored is a version of an object.
type Stored struct {
	Info
	// Newest says that it is what the key stands for, and Deletion that it says of the object that it is
	// gone.
	Newest, Deletion bool
	At               time.Time
}

// The folders of both buckets in which objects of accounts lie: a key is one of these, then the account
// and a slash.
const (
	UploadsFolder         = "uploads/"
	DropsFolder           = "drops/"
	FileWakeUpsFolder     = "jobs/configure/"
	ResultsFolder         = "results/"
	ReportsFolder         = "reports/"
	ReportWakeUpsFolder   = "jobs/reports/"
	DeferredFolder        = "deferred/"
	DeferredWakeUpsFolder = "jobs/deferred/"
	ArchivesFolder        = "archives/"
	OffboardingsFolder    = "jobs/offboarding/"
)

// Folders lists them by their buckets.
func Folders() map[Bucket][]string {
	return map[Bucket][]string{
		Uploads: {UploadsFolder, DropsFolder, FileWakeUpsFolder},
		Reports: {
			ResultsFolder, ReportsFolder, ReportWakeUpsFolder, DeferredFolder, DeferredWakeUpsFolder, ArchivesFolder,
			OffboardingsFolder,
		},
	}
}

// DocumentOf is the JSON document of an account in a folder of the bucket of reports, such as a wake-up.
func DocumentOf(folder, account, id string) Ref {
	return Ref{Bucket: Reports, Key: folder + account + "/" + id + ".json"}
}

// ParseDocument reads the key of what DocumentOf says; ok is false for any other object.
func ParseDocument(folder, key string) (account, id string, ok bool) {
	rest, in := strings.CutPrefix(key, folder)
	account, name, apart := strings.Cut(rest, "/")
	id, named := strings.CutSuffix(name, ".json")
	return account, id, in && apart && named && account != "" && id != "" && !strings.Contains(id, "/")
}
