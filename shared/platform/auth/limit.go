package auth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Limit is the cost centers to which an admin of some cost centers is limited (requirements, section
// 9). The zero Limit is none. Limits compare with ==.
type Limit struct {
	limited bool
	codes   string // sorted, with a comma behind each; no code has one
}

// LimitTo makes the limit to some cost centers. Without any, nothing is within it. What can be no
// code is left out.
func LimitTo(codes ...string) Limit {
	codes = slices.DeleteFunc(slices.Clone(codes), func(code string) bool { return !ValidID(code) })
	slices.Sort(codes)
	l := Limit{limited: true}
	for _, code := range slices.Compact(codes) {
		l.codes += code + ","
	}
	return l
}

// All says that there is no limit.
func (l Limit) All() bool { return !l.limited }

// Has says whether a cost center is within the limit. Empty, which stands for no cost center, is so
// only without a limit.
func (l Limit) Has(code string) bool {
	return !l.limited || ValidID(code) && strings.Contains(","+l.codes, ","+code+",")
}

// Codes lists the cost centers of a limit, sorted; nil when there is none.
func (l Limit) Codes() []string {
	if !l.limited {
		return nil
	}
	codes := strings.Split(l.codes, ",")
	return codes[:len(codes)-1]
}

// And is what is within both limits.
func (l Limit) And(other Limit) Limit {
	switch {
	case l.All():
		return other
	case other.All():
		return l
	}
	return LimitTo(slices.DeleteFunc(l.Codes(), func(code string) bool { return !other.Has(code) })...)
}

// MarshalJSON writes the cost centers of a limit, or null where there is none: for what is carried on
// without who began it, and keeps to their limit. A field of it says omitzero.
func (l Limit) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(l.Codes())
	if err != nil {
		return nil, fmt.Errorf("limit: %w", err)
	}
	return data, nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Limit) UnmarshalJSON(data []byte) error {
	var codes []string
	if err := json.Unmarshal(data, &codes); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	if *l = (Limit{}); codes != nil {
		*l = LimitTo(codes...)
	}
	return nil
}

// Within says whether all that is within the limit is within another.
func (l Limit) Within(other Limit) bool { return other.All() || l.limited && l.And(other) == l }
