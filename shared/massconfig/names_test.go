package massconfig

import (
	"seatwise/shared/filejob"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
)

// What the tests name of package filejob, as if it were the module's own: a mass configuration is
// tested whole, with the machinery that carries it.
type (
	State    = filejob.State
	Counts   = filejob.Counts
	Need     = filejob.Need
	RowError = filejob.RowError
)

const (
	AwaitingUpload = filejob.AwaitingUpload
	Checking       = filejob.Checking
	Ready          = filejob.Ready
	Rejected       = filejob.Rejected
	Completed      = filejob.Completed
	Cancelled      = filejob.Cancelled
	Failed         = filejob.Failed

	New       = filejob.New
	Change    = filejob.Change
	Unchanged = filejob.Unchanged
	Bad       = filejob.Bad

	FromAPI      = filejob.FromAPI
	MaxFileBytes = filejob.MaxFileBytes

	uploadLife    = filejob.UploadLife
	leaseLife     = lease.Life
	handOn        = filejob.HandOn
	mostAgain     = filejob.MostAgain
	chunksAtOnce  = filejob.ChunksAtOnce
	shownErrors   = filejob.ShownErrors
	rowErrors     = filejob.RowErrors
	planPrefix    = filejob.PlanPrefix
	wakeUpsPrefix = filejob.WakeUpsPrefix
	strangers     = call.Nowhere
)

func markerKey(account, id string) table.Key { return names.MarkerKey(account, id) }

func uploadObject(account, id, name string) string { return names.UploadObject(account, id, name) }

func contentType(name string) string { return filejob.ContentType(name) }
