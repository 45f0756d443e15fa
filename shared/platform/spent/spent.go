// Package spent counts what each account takes of the table, for the lines that tell it (requirements,
// section 15). Which account it was follows from the keys, since every partition of an account begins
// with it (invariant I9); what is read of all accounts at once belongs to none.
package spent

import (
	"strings"
	"sync"

	"seatwise/shared/platform/table"
)

// Units are what was taken of the table.
type Units struct{ Reads, Writes float64 }

// Meter counts the units of accounts. It is safe for concurrent use.
type Meter struct {
	mu    sync.Mutex
	units map[string]Units
}

// Store wraps a store whose calls are counted.
func (m *Meter) Store(inner table.Store) table.Store { return table.Metered(inner, m.add) }

func (m *Meter) add(u table.Use) {
	account := Account(u.Partition)
	if account == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.units == nil {
		m.units = map[string]Units{}
	}
	of := m.units[account]
	m.units[account] = Units{of.Reads + u.Reads, of.Writes + u.Writes}
}

// Take is what was counted since the last Take, by account.
func (m *Meter) Take() map[string]Units {
	m.mu.Lock()
	defer m.mu.Unlock()
	units := m.units
	m.units = nil
	return units
}

// Account is the account to which a partition belongs; empty for none.
func Account(partition string) string {
	rest, ok := strings.CutPrefix(partition, "A#")
	if !ok {
		return ""
	}
	account, _, ok := strings.Cut(rest, "#")
	if !ok {
		return ""
	}
	return account
}
