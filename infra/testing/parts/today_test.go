package parts_test

import (
	"fmt"
	"slices"
	"testing"

	"seatwise/infra/testing/parts"
)

// TestEverythingIsTriedInFourDays holds that each entry has its day, that no day is without one, and
// that everything is tried where no share was asked for.
func TestEverythingIsTriedInFourDays(t *testing.T) {
	for length := 1; length < 10; length++ {
		list := make([]int, length)
		for i := range list {
			list[i] = i
		}
		var tried []int
		for share := range 4 {
			t.Setenv("SEATWISE_TEST_SAMPLE", fmt.Sprint(share))
			some := parts.Today(list)
			if len(some) == 0 || len(some) > (length+3)/4 {
				t.Errorf("share %d of %d entries is %v", share, length, some)
			}
			tried = append(tried, some...)
		}
		slices.Sort(tried)
		if !slices.Equal(slices.Compact(tried), list) {
			t.Errorf("of %d entries only %v are tried", length, tried)
		}
		t.Setenv("SEATWISE_TEST_SAMPLE", "all")
		if all := parts.Today(list); !slices.Equal(all, list) {
			t.Errorf("all of %d entries are %v", length, all)
		}
	}
}
