package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"seatwise/shared/craft/money"
)

func TestJSONIsTheContract(t *testing.T) {
	got, err := json.Marshal(money.Of(2599, "USD"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"amount":2599,"currency":"USD"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var back money.Amount
	if err := json.Unmarshal(got, &back); err != nil || back != money.Of(2599, "USD") {
		t.Errorf("read back %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"amount":25.99,"currency":"USD"}`), &back); err == nil {
		t.Error("a fraction of a minor unit was read as an amount")
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		amount money.Amount
		want   string
	}{
		{money.Of(2599, "USD"), "25.99 USD"},
		{money.Of(5, "EUR"), "0.05 EUR"},
		{money.Of(0, "GBP"), "0.00 GBP"},
		{money.Of(-5, "EUR"), "-0.05 EUR"},
		{money.Of(-12345, "EUR"), "-123.45 EUR"},
		{money.Of(1200, "JPY"), "1200 JPY"},
		{money.Of(1200, "KWD"), "1.200 KWD"},
		{money.Of(math.MinInt64, "USD"), "-92233720368547758.08 USD"},
		{money.Of(7, ""), "0.07"},
	} {
		if got := c.amount.String(); got != c.want {
			t.Errorf("%d %s: got %q, want %q", c.amount.Minor, c.amount.Currency, got, c.want)
		}
	}
}

func TestIsCurrency(t *testing.T) {
	for code, want := range map[string]bool{
		"USD": true, "EUR": true, "AZA": true, "usd": false, "US": false, "USDX": false, "U$D": false, "": false,
		"@AA": false, "AA[": false, // just below A and just above Z
	} {
		if got := money.IsCurrency(code); got != want {
			t.Errorf("%q: got %v", code, got)
		}
	}
}

func TestCurrenciesNeverMix(t *testing.T) {
	if _, err := money.Of(1, "USD").Add(money.Of(1, "EUR")); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Add: %v", err)
	}
}

func TestApportionTable(t *testing.T) {
	for _, c := range []struct {
		name    string
		total   int64
		weights []int64
		want    []int64
	}{
		{"even", 12, []int64{1, 1, 1}, []int64{4, 4, 4}},
		{"a tie goes to the earlier", 100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{"two left over", 101, []int64{1, 1, 1}, []int64{34, 34, 33}},
		{"the largest remainder, wherever it stands", 10, []int64{1, 1, 4}, []int64{2, 2, 6}},
		{"7 and 5 of 12", 1799, []int64{7, 5}, []int64{1049, 750}},
		{"a zero weight gets nothing", 2, []int64{0, 1, 0, 1, 1}, []int64{0, 1, 0, 1, 0}},
		{"fewer cents than parts", 1, []int64{3, 3, 3}, []int64{1, 0, 0}},
		{"a credit mirrors the charge", -100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{"nothing over nothing", 0, []int64{0, 0}, []int64{0, 0}},
		{"no weights, nothing to share", 0, nil, []int64{}},
		{"the largest amount there is", math.MaxInt64, []int64{math.MaxInt64 - 1, 1}, []int64{math.MaxInt64 - 1, 1}},
		{"the smallest amount there is", math.MinInt64, []int64{5}, []int64{math.MinInt64}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shares, err := money.Of(c.total, "USD").Apportion(c.weights)
			if err != nil {
				t.Fatal(err)
			}
			if got := minors(shares); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestApportionRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		total   int64
		weights []int64
		want    error
	}{
		{"a negative weight", 10, []int64{5, -1}, money.ErrWeights},
		{"something over no weight at all", 10, []int64{0, 0}, money.ErrWeights},
		{"something over nobody", 10, nil, money.ErrWeights},
		{"weights beyond 64 bits", 10, []int64{math.MaxInt64, 1}, money.ErrOverflow},
		{"weights that wrap around twice", 10, []int64{math.MaxInt64, math.MaxInt64, 2, 1}, money.ErrOverflow},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := money.Of(c.total, "USD").Apportion(c.weights); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// The reference is math/big: exact, and written in another way than the code.
func TestApportionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64/50), 1, 50).Draw(t, "weights")
		if !slices.ContainsFunc(weights, func(w int64) bool { return w > 0 }) {
			weights[0] = 1
		}
		shares, err := money.Of(total, "EUR").Apportion(weights)
		if err != nil {
			t.Fatal(err)
		}
		sum := money.Zero("EUR")
		for _, share := range shares {
			if sum, err = sum.Add(share); err != nil {
				t.Fatal(err)
			}
		}
		if sum.Minor != total {
			t.Fatalf("the shares add up to %d, not to %d", sum.Minor, total)
		}
		whole := new(big.Int)
		for _, w := range weights {
			whole.Add(whole, big.NewInt(w))
		}
		for i, w := range weights {
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(w)), whole)
			distance := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(shares[i].Minor))
			if distance.Abs(distance).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("share %d is %d, a unit or more from %s", i, shares[i].Minor, exact.FloatString(3))
			}
			for j, other := range weights {
				if w == other && absolute(shares[i].Minor, shares[j].Minor) > 1 {
					t.Fatalf("equal weights %d and %d got %d and %d", i, j, shares[i].Minor, shares[j].Minor)
				}
			}
		}
	})
}

func TestArithmeticAgreesWithBigIntegersOrSaysOverflow(t *testing.T) {
	edges := []int64{
		0,
		1,
		-1,
		2,
		-2,
		math.MaxInt64,
		math.MinInt64,
		math.MaxInt64 - 1,
		math.MinInt64 + 1,
		math.MaxInt32,
		1 << 32,
	}
	number := rapid.OneOf(rapid.Int64(), rapid.SampledFrom(edges), rapid.Int64Range(-1000, 1000))
	rapid.Check(t, func(t *rapid.T) {
		a, n := number.Draw(t, "a"), number.Draw(t, "n")
		got, err := money.Of(a, "USD").Mul(n)
		compare(t, "Mul", got, err, new(big.Int).Mul(big.NewInt(a), big.NewInt(n)))
		got, err = money.Of(a, "USD").Add(money.Of(n, "USD"))
		compare(t, "Add", got, err, new(big.Int).Add(big.NewInt(a), big.NewInt(n)))

		num, den := number.Draw(t, "num"), number.Draw(t, "den")
		got, err = money.Of(a, "USD").Prorate(num, den)
		if num < 0 || den <= 0 {
			if !errors.Is(err, money.ErrRatio) {
				t.Fatalf("Prorate by %d/%d: %v", num, den, err)
			}
			return
		}
		// Round half away from zero: the sign times the floor of (2*|a|*num + den) / (2*den).
		abs := new(big.Int).Abs(big.NewInt(a))
		twice := new(big.Int).Lsh(new(big.Int).Mul(abs, big.NewInt(num)), 1)
		want := new(big.Int).Div(twice.Add(twice, big.NewInt(den)), new(big.Int).Lsh(big.NewInt(den), 1))
		if a < 0 {
			want.Neg(want)
		}
		compare(t, "Prorate", got, err, want)
	})
}

// At exactly 64 bits the quotient fits or does not; a random number is never there.
func TestAtTheEdgesOf64Bits(t *testing.T) {
	for name, c := range map[string]struct {
		minor, num, den, want int64
		err                   error
	}{
		"a product of exactly 2 to the 64":        {1 << 62, 4, 1, 0, money.ErrOverflow},
		"a quotient of exactly the largest":       {math.MaxInt64, 1, 1, math.MaxInt64, nil},
		"a quotient of exactly the smallest":      {math.MinInt64, 1, 1, math.MinInt64, nil},
		"a quotient of one more than the largest": {1 << 62, 2, 1, 0, money.ErrOverflow},
	} {
		got, err := money.Of(c.minor, "USD").Prorate(c.num, c.den)
		if !errors.Is(err, c.err) || got.Minor != c.want {
			t.Errorf("%s: got %d, %v", name, got.Minor, err)
		}
	}
	shares, err := money.Of(2, "USD").Apportion([]int64{math.MaxInt64 - 1, 1})
	if err != nil || shares[0].Minor+shares[1].Minor != 2 {
		t.Errorf("weights that add up to exactly the largest: %v, %v", shares, err)
	}
	if got, err := money.Of(1, "USD").Mul(0); err != nil || got.Minor != 0 {
		t.Errorf("times nothing: %v, %v", got, err)
	}
}

func TestProrateTable(t *testing.T) {
	for _, c := range []struct {
		minor, num, den, want int64
	}{
		{2599, 30, 30, 2599},
		{2599, 0, 30, 0},
		{2599, 1, 31, 84},   // 83.84
		{2599, 10, 31, 838}, // 838.39
		{5, 1, 2, 3},        // 2.5: half away from zero
		{-5, 1, 2, -3},
		{1, 1, 3, 0},
	} {
		got, err := money.Of(c.minor, "USD").Prorate(c.num, c.den)
		if err != nil || got.Minor != c.want {
			t.Errorf("%d * %d/%d: got %d, %v, want %d", c.minor, c.num, c.den, got.Minor, err, c.want)
		}
	}
}

func compare(t *rapid.T, what string, got money.Amount, err error, want *big.Int) {
	t.Helper()
	if !want.IsInt64() {
		if !errors.Is(err, money.ErrOverflow) {
			t.Fatalf("%s: want an overflow for %s, got %d, %v", what, want, got.Minor, err)
		}
		return
	}
	if err != nil || got.Minor != want.Int64() || got.Currency != "USD" {
		t.Fatalf("%s: got %v, %v, want %s", what, got, err, want)
	}
}

func minors(amounts []money.Amount) []int64 {
	out := make([]int64, len(amounts))
	for i, a := range amounts {
		out[i] = a.Minor
	}
	return out
}

// absolute is the distance of two numbers, which may lie anywhere in the 64 bits.
func absolute(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}
