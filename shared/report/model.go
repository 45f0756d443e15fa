// Package report asks for license status reports (requirements, section 7), lists them and hands
// out their URLs. It writes none: package reportbuilder does, in a function of its own, because the
// library that writes workbooks would slow down every start of this one (design, decision 9).
package report

import (
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
)

// State of a report (docs/contract.md).
type State string

// The states.
const (
	Queued  State = "queued"
	Running State = "running"
	Ready   State = "ready"
	Failed  State = "failed"
)

// licenseStatus is the one kind of report.
const licenseStatus = "license-status"

// ContentType is what a report's file is.
const ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Report is the document of a report.
type Report struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	State State  `json:"state"`
	// From is the first day of the window and To the day after the last, as dates.
	From      string    `json:"from"`
	To        string    `json:"to"`
	FileName  string    `json:"fileName"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy"`
	// Cause is the request that the report goes back to.
	Cause call.Cause `json:"cause"`
	// Scheduled says that the window is a billing period, or a week, that is over.
	Scheduled bool `json:"scheduled,omitempty"`
	// StartedAt is when the last builder began, Attempts how many did.
	StartedAt time.Time `json:"startedAt,omitzero"`
	Attempts  int       `json:"attempts,omitempty"`
	ReadyAt   time.Time `json:"readyAt,omitzero"`
	// Failure says, for people, why a failed report failed.
	Failure string `json:"failure,omitempty"`

	version int64
	// keeper keeps the lease of the builder that has begun with it.
	keeper *lease.Keeper
}

// Version is the version of the item that the report was read from.
func (r Report) Version() int64 { return r.version }

// Window is the span that the report is about.
func (r Report) Window() (from, to time.Time, err error) {
	if from, err = time.Parse(time.DateOnly, r.From); err != nil {
		return time.Time{}, time.Time{}, err
	}
	to, err = time.Parse(time.DateOnly, r.To)
	return from, to, err
}

// The keys; docs/data-model.md says what each costs.

func reportsPartition(account string) string { return call.Partition(account, "REPORTS") }

func reportKey(account, id string) table.Key {
	return table.Key{Partition: reportsPartition(account), Sort: id}
}

// leaseKey is where the lease of a report's builder stands, beside the list and not in it.
func leaseKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "REPORT-LEASES"), Sort: id}
}

// scheduledPartition has the scheduled reports by the first day that they cover: a day is in one
// report, so there is one for each.
func scheduledPartition(account string) string { return call.Partition(account, "REPORTS-SCHEDULED") }

func scheduledKey(account string, first time.Time) table.Key {
	return table.Key{Partition: scheduledPartition(account), Sort: first.Format(time.DateOnly)}
}

// stampsPartition has the time stamps that file names bear, so that each is given once.
func stampsPartition(account string) string { return call.Partition(account, "REPORT-STAMPS") }

func stampKey(account string, at time.Time) table.Key {
	return table.Key{Partition: stampsPartition(account), Sort: at.UTC().Format(stampFormat)}
}

// putStamp takes a time stamp; it is refused if somebody has it.
func putStamp(account string, at time.Time) table.Operation {
	item := table.Item{Key: stampKey(account, at), Data: []byte("{}"), Expires: at.Add(stampLife).Unix()}
	return table.Put(item, table.IfAbsent)
}

// unfinished are the markers on the reports that are not finished, by their ids.
var unfinished = call.PlacedMarkers("REPORT")

// WakeUp is the object whose creation makes a builder begin.
func WakeUp(account, id string) files.Ref {
	return files.DocumentOf(files.ReportWakeUpsFolder, account, id)
}

// ParseWakeUp reads a wake-up's key; ok is false for any other object.
func ParseWakeUp(key string) (account, id string, ok bool) {
	return files.ParseDocument(files.ReportWakeUpsFolder, key)
}

// Object is where a report's file lies.
func Object(account, id string) files.Ref {
	return files.Ref{Bucket: files.Reports, Key: files.ReportsFolder + account + "/" + id + ".xlsx"}
}

// put writes the report: a new one, or in the place of the one that was read.
func (r Report) put(account string) (table.Operation, error) {
	data, err := call.Encode(r)
	if err != nil {
		return table.Operation{}, err
	}
	item := table.Item{Key: reportKey(account, r.ID), Data: data}
	if r.State == Queued || r.State == Running {
		item.IndexKeys[2] = unfinished.Place(account, r.ID)
	}
	cond := table.IfAbsent
	if r.version != 0 {
		cond = table.IfVersion(r.version)
	}
	return table.Put(item, cond), nil
}

func decode(item table.Item) (Report, error) {
	r, err := call.Decode[Report](item)
	r.version = item.Version
	return r, err
}
