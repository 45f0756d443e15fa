package pages

import (
	"slices"
	"testing"

	"seatwise/shared/console/client"
)

// Shares of a whole come to 100 percent.
func TestSharesComeToAHundred(t *testing.T) {
	for _, one := range []struct {
		amounts []int64
		all     int64
		want    []int64
	}{
		{[]int64{100, 100, 100}, 300, []int64{34, 33, 33}},
		{[]int64{1, 1, 1, 1, 1, 1}, 6, []int64{17, 17, 17, 17, 16, 16}},
		{[]int64{995, 5}, 1000, []int64{100, 0}},
		{[]int64{-100, 300}, 200, []int64{-49, 150}},
		{nil, 0, nil},
		{[]int64{0}, 0, []int64{0}},
	} {
		var amounts []client.Money
		for _, n := range one.amounts {
			amounts = append(amounts, client.Money{Amount: n, Currency: "USD"})
		}
		if got := percents(amounts, one.all); !slices.Equal(got, one.want) && len(one.want) > 0 {
			t.Errorf("of %v they are %v, want %v", one.amounts, got, one.want)
		}
	}
}
