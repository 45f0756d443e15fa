package view

// Effect is what a change does, in the reader's words and figures.
type Effect struct {
	Seats []SeatTurn
	// Used are the counts of products that nobody buys: only how many are Assigned, so in use.
	Used   []SeatTurn
	People []PersonTurn
	// More says how many people are not listed; empty for none.
	More string
	// Notes are sentences about money and about what stays as it is.
	Notes []string
	// Untold is why the effects are not told; empty if they are.
	Untold string
	// Later is what the form has in its field _deferred, while the effects are worked out; empty otherwise.
	Later string
	// Stale says that the form was sent when something had changed already.
	Stale bool
}

// Told is what the choice of a form does, as far as it was asked for.
type Told struct {
	// Effect is nil where nobody asked yet, or the choice would be refused.
	Effect *Effect
	// Fault is why the choice would be refused; nil where it would not.
	Fault *Fault
	// Choice is what was told of: a form that chooses otherwise is not held to it.
	Choice string
}

// SeatTurn is what becomes of the seats of a product.
type SeatTurn struct {
	Name                            string
	Bought, Assigned, Free, Waiting Turned
}

// Turned is a count before and after a change.
type Turned struct{ Before, After string }

// PersonTurn is what becomes of a person: "gets Live Reports".
type PersonTurn struct{ Name, Does string }
