package emf

import (
	"context"
	"maps"
	"slices"
	"sync"
)

type countsKey struct{}

// Counts are the metrics that an invocation counts on its way. They are safe for concurrent use.
type Counts struct {
	mu      sync.Mutex
	values  map[string]float64
	account string
}

// WithCounts is a context that counts.
func WithCounts(ctx context.Context) (context.Context, *Counts) {
	c := &Counts{values: map[string]float64{}}
	return context.WithValue(ctx, countsKey{}, c), c
}

// Add counts n in the metric of that name, if the context counts.
func Add(ctx context.Context, name string, n float64) {
	if c, ok := ctx.Value(countsKey{}).(*Counts); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.values[name] += n
	}
}

// OfAccount says for which account the invocation is, if the context counts.
func OfAccount(ctx context.Context, account string) {
	if c, ok := ctx.Value(countsKey{}).(*Counts); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.account = account
	}
}

// Account is for which account the invocation is; empty when nobody has said so.
func (c *Counts) Account() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.account
}

// Metrics are the counts so far, by name.
func (c *Counts) Metrics() []Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	metrics := make([]Metric, 0, len(c.values))
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		metrics = append(metrics, Metric{Name: name, Value: c.values[name]})
	}
	return metrics
}
