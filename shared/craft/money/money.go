// Package money holds amounts of money as integers of a currency's minor unit (cents, pence) and
// does on them the little arithmetic that a bill needs (requirements, section 3.3: money is integer
// minor units and a currency, never a float).
//
// Nothing here rounds unless its name says so, nothing overflows in silence, and what is shared out
// always adds up again.
package money

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

var (
	// ErrOverflow says that a result does not fit in 64 bits.
	ErrOverflow = errors.New("money: amount out of range")
	// ErrCurrency says that two amounts of different currencies met in one calculation.
	ErrCurrency = errors.New("money: currencies differ")
	// ErrWeights says that an amount cannot be shared out by the weights given: one is negative, or
	// they add up to nothing while there is something to share.
	ErrWeights = errors.New("money: weights cannot share the amount")
	// ErrRatio says that a ratio has a negative numerator or a denominator that is not positive.
	ErrRatio = errors.New("money: not a ratio")
)

// Amount is a number of minor units of one currency: 2599 and "USD" are 25.99 US dollars. The zero
// Amount has no currency and equals no real amount; start sums from Zero.
type Amount struct {
	// Minor counts minor units: cents of a dollar, pence of a pound.
	Minor int64 `json:"amount" doc:"Minor units of the currency: 2599 is 25.99."`
	// Currency is the ISO 4217 code, in capitals.
	Currency string `json:"currency" doc:"ISO 4217 code." pattern:"^[A-Z]{3}$" example:"USD"`
}

// Of is the amount of a number of minor units of a currency.
func Of(minor int64, currency string) Amount { return Amount{Minor: minor, Currency: currency} }

// Zero is nothing, in a currency.
func Zero(currency string) Amount { return Amount{Currency: currency} }

// IsCurrency reports whether code has the form of an ISO 4217 code: three capital letters. Whether
// an account may choose it is the catalog's to say, for only a currency that every product is
// priced in can be billed.
func IsCurrency(code string) bool {
	if len(code) != 3 {
		return false
	}
	for i := range len(code) {
		if code[i] < 'A' || code[i] > 'Z' {
			return false
		}
	}
	return true
}

// Exponent is the number of decimal places of a currency's minor unit (ISO 4217): 2 for most, 0 for
// the yen, 3 for the Kuwaiti dinar.
func Exponent(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
		"VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	default:
		return 2
	}
}

// String is the amount as a person reads it: "25.99 USD".
func (a Amount) String() string {
	s := a.Decimal()
	if a.Currency == "" {
		return s
	}
	return s + " " + a.Currency
}

// Decimal is the amount in major units without its currency, every decimal place written out:
// "25.99", "-0.05", "1200".
func (a Amount) Decimal() string {
	digits := strconv.FormatUint(magnitude(a.Minor), 10)
	if places := Exponent(a.Currency); places > 0 {
		if missing := places + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		cut := len(digits) - places
		digits = digits[:cut] + "." + digits[cut:]
	}
	if a.Minor < 0 {
		return "-" + digits
	}
	return digits
}

// Add is a plus b. It fails with ErrCurrency or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%w: %q and %q", ErrCurrency, a.Currency, b.Currency)
	}
	sum := a.Minor + b.Minor
	// A sum that did not wrap around is above a exactly when b is above nothing.
	if (sum > a.Minor) != (b.Minor > 0) {
		return Amount{}, ErrOverflow
	}
	return Amount{Minor: sum, Currency: a.Currency}, nil
}

// Mul is a times n. It fails with ErrOverflow.
func (a Amount) Mul(n int64) (Amount, error) {
	hi, lo := bits.Mul64(magnitude(a.Minor), magnitude(n))
	if hi != 0 {
		return Amount{}, ErrOverflow
	}
	minor, ok := signed(lo, a.Minor^n)
	if !ok {
		return Amount{}, ErrOverflow
	}
	return Amount{Minor: minor, Currency: a.Currency}, nil
}

// Prorate is the share num/den of a, rounded to the nearest minor unit and a half away from zero.
// It computes in 128 bits, so only a result that does not fit fails, with ErrOverflow; a negative
// num or a den below 1 is ErrRatio.
func (a Amount) Prorate(num, den int64) (Amount, error) {
	if num < 0 || den <= 0 {
		return Amount{}, fmt.Errorf("%w: %d/%d", ErrRatio, num, den)
	}
	hi, lo := bits.Mul64(magnitude(a.Minor), uint64(num))
	if hi >= uint64(den) {
		return Amount{}, ErrOverflow
	}
	quotient, rest := bits.Div64(hi, lo, uint64(den))
	// rest >= den-rest is rest*2 >= den, without the doubling that could overflow.
	if rest >= uint64(den)-rest {
		if quotient == math.MaxUint64 {
			return Amount{}, ErrOverflow
		}
		quotient++
	}
	minor, ok := signed(quotient, a.Minor)
	if !ok {
		return Amount{}, ErrOverflow
	}
	return Amount{Minor: minor, Currency: a.Currency}, nil
}

// Apportion shares a out over integer weights by largest remainder: every share is its exact part
// rounded down, and the minor units left over go one each to the largest fractions, to the earlier
// one where two are equal. So the shares add up to a, each lies within one minor unit of its exact
// part, and a weight of zero gets nothing.
//
// A negative amount is shared as the positive one would be. ErrWeights, if a weight is negative or
// all are zero while a is not; ErrOverflow, if the weights add up to more than 64 bits hold.
func (a Amount) Apportion(weights []int64) ([]Amount, error) {
	var whole uint64
	for i, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("%w: weight %d is %d", ErrWeights, i, w)
		}
		if whole += uint64(w); whole > math.MaxInt64 {
			return nil, fmt.Errorf("%w: sum of the weights", ErrOverflow)
		}
	}
	shares := make([]Amount, len(weights))
	for i := range shares {
		shares[i].Currency = a.Currency
	}
	if whole == 0 {
		if a.Minor != 0 {
			return nil, fmt.Errorf("%w: all are zero", ErrWeights)
		}
		return shares, nil
	}

	left := magnitude(a.Minor)
	parts := make([]uint64, len(weights))
	rests := make([]uint64, len(weights))
	order := make([]int, len(weights))
	for i, w := range weights {
		// w <= whole, so the quotient is at most the amount and Div64 cannot overflow.
		hi, lo := bits.Mul64(magnitude(a.Minor), uint64(w))
		parts[i], rests[i] = bits.Div64(hi, lo, whole)
		left -= parts[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(rests[j], rests[i]) })
	// The fractions add up to exactly what is left, each is below one: fewer units are left than
	// there are fractions above zero, so no weight of zero is ever reached.
	for _, i := range order[:left] {
		parts[i]++
	}
	for i, part := range parts {
		minor, ok := signed(part, a.Minor)
		if !ok {
			return nil, ErrOverflow
		}
		shares[i].Minor = minor
	}
	return shares, nil
}

// magnitude is n without its sign; it holds for the smallest int64 too, which has no positive twin.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// signed gives m the sign of like, and reports false if the number then does not fit. Two factors
// combined by exclusive or have the sign of their product.
func signed(m uint64, like int64) (int64, bool) {
	if like < 0 {
		return -int64(m), m <= 1<<63
	}
	return int64(m), m <= math.MaxInt64
}
