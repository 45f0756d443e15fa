// Package quota limits how many requests of an account are carried out in a minute (requirements,
// section 15). Each process counts those that it takes, and tells a common item of them only after a
// share of the limit, so that an account far below it costs neither a read nor a write.
package quota

// Processes is for how many processes of an account the limit holds twice at most: what each of them
// takes before it tells is its part of one limit more.
const Processes = 100

// Count is what one process knows of an account's minute. What it may take untold is bounded, and
// what was told is what was truly taken, so that nobody is refused before the limit is reached, and
// not much is carried out beyond it.
type Count struct {
	limit int64
	// share is how much may be taken before it is told.
	share int64
	// untold are the requests that were taken and not told yet, the unsettled ones too.
	untold int64
	// unsettled are those that may turn out to be repetitions. They are not told: what is told is never
	// taken back.
	unsettled int64
	full      bool
}

// NewCount begins a minute.
func NewCount(limit int64) Count { return Count{limit: limit, share: first(limit)} }

// first is how much a process may take before it has told anything, and the most that it ever may.
func first(limit int64) int64 { return max(1, limit/Processes) }

// least bounds how often a process tells, while there is as much left.
func least(limit int64) int64 { return max(1, first(limit)/10) }

// share is how much one of some processes may take untold when so much was told: half of its part of
// what is left, since the others have taken something since.
func share(limit, told, processes int64) int64 {
	left := max(1, limit-told)
	return min(first(limit), left, max(least(limit), left/2/max(1, processes)))
}

// Full says that the limit is reached: all requests of the minute are refused that are not
// repetitions.
func (c *Count) Full() bool { return c.full }

// Due is how many requests must be told before another one is taken; 0 for none.
func (c *Count) Due() int64 {
	if c.full || c.untold < c.share {
		return 0
	}
	return c.untold - c.unsettled
}

// Told says that n requests were told, and how many all processes have told now.
func (c *Count) Told(n, all, processes int64) {
	c.untold -= n
	c.share = share(c.limit, all, processes)
	c.full = all >= c.limit
}

// Refused says that what is due does not fit below the limit any more.
func (c *Count) Refused() { c.full = true }

// Unknown says that nobody knows whether n requests were told. They count as told: told twice, they
// would have others refused too early.
func (c *Count) Unknown(n int64) { c.untold -= n }

// Take counts a request; unsettled if it may be a repetition, of which Settle says what it was.
func (c *Count) Take(unsettled bool) {
	c.untold++
	if unsettled {
		c.unsettled++
	}
}

// Settle says of a request that was taken unsettled whether it was a repetition, which does not
// count.
func (c *Count) Settle(repetition bool) {
	c.unsettled--
	if repetition {
		c.untold--
	}
}
