package bolt

import (
	"errors"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

// Full says whether a failure is that of a disk without room. bbolt passes on the text of some of
// them only.
func Full(err error) bool {
	if err == nil {
		return false
	}
	for _, why := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, why) || strings.Contains(err.Error(), why.Error()) {
			return true
		}
	}
	return false
}

// EnsureBuckets makes the buckets that are missing in a file. Where none is, it writes nothing: a
// full disk must not keep a program from starting, which may free some of it.
func EnsureBuckets(db *bbolt.DB, names ...[]byte) error {
	var missing [][]byte
	err := db.View(func(tx *bbolt.Tx) error {
		for _, name := range names {
			if tx.Bucket(name) == nil {
				missing = append(missing, name)
			}
		}
		return nil
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range missing {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}
