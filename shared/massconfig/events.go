package massconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"seatwise/shared/craft/text"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/events"
)

// Jobs are the mass configurations, for the functions that take in their files and apply them.
func (s *Service) Jobs() filejob.Carrier { return s.jobs }

// Drop takes in a file that no upload announced; why is for a person, why it is not ours.
func (s *Service) Drop(ctx context.Context, object events.ObjectCreated, now time.Time) (why string, err error) {
	rest, ok := strings.CutPrefix(object.Key, dropsPrefix)
	account, name, inside := strings.Cut(rest, "/")
	if !ok || !inside || name == "" || strings.HasSuffix(name, "/") || !api.ValidID(account) {
		return "its key is not drops/{account}/{file}", nil
	}
	if fault := text.PathFault(name); fault != "" {
		return "its name " + fault, nil
	}
	err = s.Dropped(ctx, account, object, now)
	if errors.Is(err, errNoAccount) {
		return "there is no such account", nil
	}
	return "", err
}

// objectName is the same for every delivery of the same object version, and for no other (invariant
// I12).
func objectName(o events.ObjectCreated) string {
	version := o.Version
	if version == "" {
		version = o.ETag + " " + o.Sequencer
	}
	sum := sha256.Sum256([]byte(o.Bucket + "\x00" + o.Key + "\x00" + version))
	return hex.EncodeToString(sum[:])
}
