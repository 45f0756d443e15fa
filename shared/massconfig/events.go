package massconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"seatwise/shared/api"
	"seatwise/shared/app"
	"seatwise/shared/call"
	"seatwise/shared/catalog"
	"seatwise/shared/events"
	"seatwise/shared/files"
	"seatwise/shared/license"
	"seatwise/shared/problem"
	"seatwise/shared/table"
)

func newService(env *app.Env) (*Service, error) {
	products, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	return NewService(env, license.NewDesk(products)), nil
}

// CheckFunction takes the S3 events of uploads and drops.
func CheckFunction(env *app.Env) (app.Function, error) {
	s, err := newService(env)
	if err != nil {
		return app.Function{}, err
	}
	return app.Function{Event: func(ctx context.Context, payload []byte) error {
		return s.eachObject(ctx, payload, s.arrived)
	}}, nil
}

// ApplyFunction takes the S3 events of tickets, and a schedule that finishes what was left behind.
func ApplyFunction(env *app.Env) (app.Function, error) {
	s, err := newService(env)
	if err != nil {
		return app.Function{}, err
	}
	return app.Function{Event: func(ctx context.Context, payload []byte) error {
		if events.KindOf(payload) == events.KindSchedule {
			schedule, err := events.Scheduled(payload)
			if err != nil {
				return err
			}
			return s.Resume(ctx, schedule.Time)
		}
		return s.eachObject(ctx, payload, s.ticketed)
	}}, nil
}

// eachObject hands on the objects of an S3 event; one that fails never stops the others.
func (s *Service) eachObject(ctx context.Context, payload []byte, take func(context.Context, events.ObjectCreated) error) error {
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

// arrived takes in an uploaded or dropped file. A key that is not ours is put aside with an audit record and not tried again.
func (s *Service) arrived(ctx context.Context, object events.ObjectCreated) error {
	now := s.env.Clock()
	file := files.Ref{Bucket: files.Uploads, Key: object.Key, Version: object.Version}
	if object.Fault != nil {
		return s.putAside(ctx, object, "its key cannot be decoded", now)
	}
	if rest, ok := strings.CutPrefix(object.Key, uploadsPrefix); ok {
		parts := strings.Split(rest, "/")
		if len(parts) != 3 || !api.ValidID(parts[0]) {
			return s.putAside(ctx, object, "it belongs to no mass configuration", now)
		}
		err := s.Uploaded(ctx, parts[0], parts[1], file, object.Size, now)
		if problem.Is(err, problem.NotFound) || errors.Is(err, errForeign) {
			return s.putAside(ctx, object, "it belongs to no mass configuration", now)
		}
		return err
	}
	rest, ok := strings.CutPrefix(object.Key, dropsPrefix)
	account, name, inside := strings.Cut(rest, "/")
	if !ok || !inside || name == "" || strings.HasSuffix(name, "/") || !api.ValidID(account) {
		return s.putAside(ctx, object, "its key is not drops/{account}/{file}", now)
	}
	err := s.Dropped(ctx, account, s.env.IDs.Ordered(), objectName(object), "file-drop", file, object.Size, now)
	if errors.Is(err, errNoAccount) {
		return s.putAside(ctx, object, "there is no such account", now)
	}
	return err
}

// objectName is the same for every delivery of the same object version, and for no other (invariant I12).
func objectName(o events.ObjectCreated) string {
	version := o.Version
	if version == "" {
		version = o.ETag + " " + o.Sequencer
	}
	sum := sha256.Sum256([]byte(o.Bucket + "\x00" + o.Key + "\x00" + version))
	return hex.EncodeToString(sum[:])
}

// strangers is the account under which objects that belong to no account are put aside; no caller can name it.
const strangers = "-"

func (s *Service) putAside(ctx context.Context, object events.ObjectCreated, why string, now time.Time) error {
	s.env.Log.WarnContext(ctx, "object put aside", "why", why)
	c := call.ForEvent(s.env, strangers, "file-drop", why, now)
	sum := sha256.Sum256([]byte(object.Key))
	op, err := c.Audit(call.Change{
		Action: "object.putAside", Subject: "object", SubjectID: hex.EncodeToString(sum[:16]),
		After: map[string]any{"bucket": object.Bucket, "key": object.Key, "version": object.Version, "size": object.Size},
	})
	if err != nil {
		return err
	}
	return s.env.Table.Commit(ctx, []table.Operation{op})
}

// ticketed works on the mass configuration that a ticket names.
func (s *Service) ticketed(ctx context.Context, object events.ObjectCreated) error {
	rest, ok := strings.CutPrefix(object.Key, ticketsPrefix)
	account, name, inside := strings.Cut(rest, "/")
	id, json := strings.CutSuffix(name, ".json")
	now := s.env.Clock()
	if object.Fault != nil || !ok || !inside || !json || !api.ValidID(account) {
		return s.putAside(ctx, object, "it is no ticket", now)
	}
	err := s.Work(ctx, account, id, now)
	if problem.Is(err, problem.NotFound) {
		return s.putAside(ctx, object, "its mass configuration does not exist", now)
	}
	return err
}
