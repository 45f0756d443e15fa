package filejob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Carrier is what events ask of the jobs of a module; Workers are one.
type Carrier interface {
	Names() Names
	// Uploaded takes in the file of a job. Errors: not-found, ErrForeign.
	Uploaded(ctx context.Context, came Arrival) error
	// Work does what is to be done on a job. Errors: not-found.
	Work(ctx context.Context, account, id string, now time.Time) error
	// Resume finishes what was left behind.
	Resume(ctx context.Context, now time.Time) error
}

// Post hands the objects that S3 tells of to the modules that own them. What is nobody's is put
// aside with an audit record and not tried again.
type Post struct {
	Env     *app.Env
	Modules []Carrier
	// Others takes in the files that no job asked for; why is for a person, why the object is
	// nobody's.
	Others func(ctx context.Context, object events.ObjectCreated, now time.Time) (why string, err error)
}

// Check takes the S3 events of files.
func (p *Post) Check(ctx context.Context, payload []byte) error {
	return eachObject(ctx, payload, p.arrived)
}

// Apply takes the S3 events of wake-ups, and a schedule that finishes what was left behind.
func (p *Post) Apply(ctx context.Context, payload []byte) error {
	if events.KindOf(payload) != events.KindSchedule {
		return eachObject(ctx, payload, p.woken)
	}
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return err
	}
	ctx = call.Looked(ctx, p.Env.Table)
	var failures []error
	for _, module := range p.Modules {
		failures = append(failures, module.Resume(ctx, schedule.Time))
	}
	return errors.Join(failures...)
}

// eachObject hands on the objects of an S3 event; one that fails never stops the others.
func eachObject(ctx context.Context, payload []byte, take func(context.Context, events.ObjectCreated) error) error {
	records, err := events.S3Records(payload)
	if err != nil {
		return err
	}
	var failures []error
	for _, object := range records {
		if err := take(ctx, object); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// arrived takes in a file.
func (p *Post) arrived(ctx context.Context, object events.ObjectCreated) error {
	now := p.Env.Clock()
	if why := p.unreadable(object); why != "" {
		return p.putAside(ctx, object, why, now)
	}
	rest, asked := strings.CutPrefix(object.Key, uploadsPrefix)
	if !asked {
		why, err := p.Others(ctx, object, now)
		var stopped *call.StoppedError
		if errors.As(err, &stopped) {
			why = "its account is " + string(stopped.State)
		}
		if why != "" {
			return p.putAside(ctx, object, why, now)
		}
		return err
	}
	const nobodys = "no job asked for it"
	module, account, rest := p.moduleOf(rest)
	id, name, inside := strings.Cut(rest, "/")
	if module == nil || !inside || strings.Contains(name, "/") {
		return p.putAside(ctx, object, nobodys, now)
	}
	file := files.Ref{Bucket: files.Uploads, Key: object.Key, Version: object.Version}
	err := module.Uploaded(ctx, Arrival{Account: account, ID: id, File: file, Size: object.Size, Now: now})
	if problem.Is(err, problem.NotFound) || errors.Is(err, ErrForeign) {
		return p.putAside(ctx, object, nobodys, now)
	}
	return p.unlessStopped(ctx, object, err)
}

// unlessStopped leaves a job alone whose account is not active: its marker brings it back when that is
// active again.
func (p *Post) unlessStopped(ctx context.Context, object events.ObjectCreated, err error) error {
	if call.Stopped(err) {
		p.Env.Log.InfoContext(ctx, "object left alone", "why", err, "key", unnamed(object.Key))
		return nil
	}
	return err
}

// unreadable is why an event names no object of ours: our buckets only are read, whatever bucket an
// event names, and S3 knows no key that is not UTF-8, though others that speak its protocol do.
func (p *Post) unreadable(object events.ObjectCreated) string {
	switch {
	case object.Fault != nil:
		return "its key cannot be decoded"
	case !utf8.ValidString(object.Key):
		return "its key is not UTF-8"
	case object.Bucket != p.Env.Files.Name(files.Uploads):
		return "it lies in another bucket"
	}
	return ""
}

// moduleOf finds the module of a key behind its prefix: account, the module's folder, and what is
// left of the key. The module is nil when there is none.
func (p *Post) moduleOf(key string) (module Carrier, account, rest string) {
	account, key, inside := strings.Cut(key, "/")
	if !inside || !auth.ValidID(account) {
		return nil, "", ""
	}
	for _, r := range p.Modules {
		// The longest folder that fits: a module without one would take every key.
		if after, ok := strings.CutPrefix(key, r.Names().Folder); ok && (module == nil || len(after) < len(rest)) {
			module, rest = r, after
		}
	}
	return module, account, rest
}

// woken works on the job that a wake-up names.
func (p *Post) woken(ctx context.Context, object events.ObjectCreated) error {
	rest, ok := strings.CutPrefix(object.Key, WakeUpsPrefix)
	module, account, name := p.moduleOf(rest)
	id, json := strings.CutSuffix(name, ".json")
	now := p.Env.Clock()
	if why := p.unreadable(object); why != "" {
		return p.putAside(ctx, object, why, now)
	}
	if !ok || module == nil || !json {
		return p.putAside(ctx, object, "it is no wake-up", now)
	}
	err := module.Work(ctx, account, id, now)
	if problem.Is(err, problem.NotFound) {
		return p.putAside(ctx, object, "its "+module.Names().One+" does not exist", now)
	}
	return p.unlessStopped(ctx, object, err)
}

func (p *Post) putAside(ctx context.Context, object events.ObjectCreated, why string, now time.Time) error {
	key := unnamed(object.Key)
	p.Env.Log.WarnContext(
		ctx, "object put aside", "why", why, "bucket", object.Bucket, "key", key, "version", object.Version,
	)
	c := call.ForEvent(p.Env, call.Nowhere, "file-drop", why, now)
	sum := sha256.Sum256([]byte(object.Key))
	op, err := c.Audit(call.AuditEntry{
		Action: "object.putAside", Subject: "object", SubjectID: hex.EncodeToString(sum[:16]),
		After: map[string]any{"bucket": object.Bucket, "key": key, "version": object.Version, "size": object.Size},
	})
	if err != nil {
		return err
	}
	op.Item.Expires = now.Add(asideKept).Unix()
	return p.Env.Table.Commit(ctx, []table.Operation{op})
}

// unnamed is what is kept of a key that is nobody's: the folder, the account that it names if any, and the kind of
// file. What a file is called may say who somebody is, and no forgetting finds it below no account.
func unnamed(key string) string {
	folder, rest := "", key
	for _, one := range files.Folders()[files.Uploads] {
		if after, inside := strings.CutPrefix(key, one); inside {
			folder, rest = one, after
		}
	}
	if account, _, inside := strings.Cut(rest, "/"); folder != "" && inside && auth.ValidID(account) {
		folder += account + "/"
	}
	switch ext := strings.ToLower(path.Ext(rest)); ext {
	case ".csv", ".xlsx", ".xls", ".json", ".txt", ".zip":
		return folder + "*" + ext
	}
	return folder + "*"
}

// asideKept is how long it is known of an object that it was put aside: its key may name an account that is erased,
// and no erasure comes that would take it away. The bucket expires dropped files after as long.
const asideKept = 90 * 24 * time.Hour
