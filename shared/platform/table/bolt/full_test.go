package bolt_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"seatwise/shared/platform/table/bolt"
)

func TestFull(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("write: %w", syscall.ENOSPC):                  true,
		errors.New("file resize error: no space left on device"): true,
		syscall.EDQUOT: true,
		syscall.EIO:    false, errors.New("no space in this text"): false,
	} {
		if bolt.Full(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
	if bolt.Full(nil) {
		t.Error("nothing is no full disk")
	}
}
