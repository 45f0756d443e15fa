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
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// Drop takes in a file that no upload announced; why is for a person, why it is not ours.
func (s *Service) Drop(ctx context.Context, object events.ObjectCreated, now time.Time) (why string, err error) {
	rest, ok := strings.CutPrefix(object.Key, dropsPrefix)
	account, name, inside := strings.Cut(rest, "/")
	if !ok || !inside || name == "" || strings.HasSuffix(name, "/") || !auth.ValidID(account) {
		return "its key is not drops/{account}/{file}", nil
	}
	if fault := text.PathFault(name); fault != "" {
		return "its name " + fault, nil
	}
	err = s.dropped(ctx, account, object, now)
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

var errNoAccount = errors.New("there is no such account")

// newest is the newest version of a dropped file that was told of.
type newest struct {
	Sequencer string `json:"sequencer"`
	Job       string `json:"job"`
}

// dropper is the actor of what follows from a dropped file.
const dropper = "file-drop"

// dropped takes in a file that was dropped into the bucket, in one of its versions: checked and
// configured without being asked to, once for each version (invariant I12). Versions come in any
// order, and several at once; the newest has the last word. One that is older than another that was
// told of is refused, and one that is newer waits for the end of the older one.
func (s *Service) dropped(ctx context.Context, account string, object events.ObjectCreated, now time.Time) error {
	id := s.env.IDs.Ordered()
	c := call.ForEvent(s.env, account, dropper, "massConfiguration:"+id, now)
	j := filejob.Job{
		ID:        id,
		State:     filejob.Checking,
		Source:    fromDrop,
		FileName:  object.Key[strings.LastIndex(object.Key, "/")+1:],
		SizeBytes: object.Size,
		By:        dropper,
		Cause:     c.Cause(),
		CreatedAt: c.At,
		File:      files.Ref{Bucket: files.Uploads, Key: object.Key, Version: object.Version},
	}
	var w *filejob.Worker
	err := call.Decide(ctx, func(ctx context.Context) error {
		at, once := newestKey(account, object.Bucket, object.Key), dropKey(account, objectName(object))
		found, err := s.env.Table.Lookup(ctx, at, once, call.AccountKey(account))
		if err != nil {
			return err
		}
		if _, exists := found[call.AccountKey(account)]; !exists {
			return errNoAccount
		}
		if before, again := found[once]; again {
			w = nil
			return s.deliveredBefore(ctx, account, before, now)
		}
		seen, err := call.Encode(id)
		if err != nil {
			return err
		}
		effects := []table.Operation{
			table.Check(call.AccountKey(account), table.IfPresent),
			table.Put(table.Item{Key: once, Data: seen}, table.IfAbsent),
		}
		order, late, err := follow(&j, object, found[at], at)
		if err != nil {
			return err
		}
		switch j.Refusal = ""; {
		case late:
			j.Refusal = "A newer version of this file came before it, and counts."
		case object.Size > filejob.MaxFileBytes:
			j.Refusal = "The file is larger than 20 MiB."
		}
		w, err = s.workers().Take(ctx, c, j, "file drop", append(effects, order)...)
		return err
	})
	if err != nil || w == nil {
		return err
	}
	return w.Run(ctx)
}

// follow puts a version of a file in its order. late says that a newer one was told of; the answer
// then only demands that this stays so. Versions without an order, and those of the same moment,
// count in the order in which they come.
func follow(
	j *filejob.Job,
	object events.ObjectCreated,
	item table.Item,
	at table.Key,
) (op table.Operation, late bool, err error) {
	j.After = ""
	cond := table.IfAbsent
	if item.Version > 0 {
		cond = table.IfVersion(item.Version)
		last, err := call.Decode[newest](item)
		if err != nil {
			return table.Operation{}, false, err
		}
		if object.Sequencer != "" && (events.ObjectCreated{Sequencer: last.Sequencer}).After(object) {
			return table.Check(at, cond), true, nil
		}
		j.After = last.Job
	}
	data, err := call.Encode(newest{object.Sequencer, j.ID})
	return table.Put(table.Item{Key: at, Data: data}, cond), false, err
}

// deliveredBefore goes on with the mass configuration that an earlier delivery of the same version
// made.
func (s *Service) deliveredBefore(ctx context.Context, account string, item table.Item, now time.Time) error {
	id, err := call.Decode[string](item)
	if err != nil {
		return err
	}
	return s.workers().Work(ctx, account, id, now)
}

// dropKey remembers which mass configuration a dropped object became.
func dropKey(account, object string) table.Key {
	return table.Key{Partition: call.Partition(account, "MASSCONFIG-DROP", object), Sort: "DROP"}
}

// newestKey remembers the newest version of a dropped file that was told of, and the mass
// configuration that it became.
func newestKey(account, bucket, key string) table.Key {
	sum := sha256.Sum256([]byte(bucket + "\x00" + key))
	return table.Key{
		Partition: call.Partition(account, "MASSCONFIG-DROPPED", hex.EncodeToString(sum[:])),
		Sort:      "NEWEST",
	}
}

// dropsPrefix begins the keys of files that are dropped into the uploads bucket:
// drops/{account}/{file}.
const dropsPrefix = files.DropsFolder
