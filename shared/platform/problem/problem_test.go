package problem

import "testing"

// The sentence of a shortage names the product as people do, in the number that there is.
func TestShortageSays(t *testing.T) {
	for _, tc := range []struct {
		wanted, free int64
		says         string
	}{
		{1, 0, "No free Phone System license: 1 wanted, 0 free."},
		{7, 0, "No free Phone System license: 7 wanted, 0 free."},
		{2, 1, "Not enough free Phone System licenses: 2 wanted, 1 free."},
	} {
		p := Shortage("phone-system", "Phone System", tc.wanted, tc.free)
		if p.Detail != tc.says {
			t.Errorf("%d wanted, %d free: says %q, want %q", tc.wanted, tc.free, p.Detail, tc.says)
		}
		if p.ProductID != "phone-system" || len(p.Shortages) != 1 || p.Shortages[0].ProductID != p.ProductID {
			t.Errorf("the members name %q and %+v, want phone-system", p.ProductID, p.Shortages)
		}
	}
}
