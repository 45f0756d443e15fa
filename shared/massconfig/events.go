package massconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/events"
)

func newService(env *app.Env) *Service { return NewService(env, license.NewDesk(catalog.Default())) }

// newPost hands S3's events to the rooms whose files these functions take: mass configuration, and imports, which need the same and have no functions of their own.
func newPost(env *app.Env) *filejob.Post {
	s := newService(env)
	return &filejob.Post{Env: env, Rooms: []filejob.Carrier{s.jobs, imports.NewService(env, s.desk).Jobs(), imports.NewExports(env, s.desk)}, Others: s.dropped}
}

// CheckFunction takes the S3 events of uploads and drops. A drop is always a mass configuration.
func CheckFunction(env *app.Env) (app.Function, error) {
	return newPost(env).Check(), nil
}

// ApplyFunction takes the S3 events of tickets, and a schedule that finishes what was left behind.
func ApplyFunction(env *app.Env) (app.Function, error) {
	return newPost(env).Apply(), nil
}

// dropped takes in a file that no upload announced; why is for a person, why it is not ours.
func (s *Service) dropped(ctx context.Context, object events.ObjectCreated, now time.Time) (why string, err error) {
	rest, ok := strings.CutPrefix(object.Key, dropsPrefix)
	account, name, inside := strings.Cut(rest, "/")
	if !ok || !inside || name == "" || strings.HasSuffix(name, "/") || !api.ValidID(account) {
		return "its key is not drops/{account}/{file}", nil
	}
	if strings.ContainsFunc(name, directory.Unseen) {
		return "its name has control characters, or others that nobody sees", nil
	}
	err = s.Dropped(ctx, account, object, now)
	if errors.Is(err, errNoAccount) {
		return "there is no such account", nil
	}
	return "", err
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
