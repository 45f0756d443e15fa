package imports

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// Kind names what the rows of an import, or of an export, are: as in paths.
type Kind string

// The kinds. Each is one value, in a file of its own: users.go, queues.go, dashboards.go; those that
// are exported only are in export_kinds.go.
const (
	Users      Kind = "users"
	CallQueues Kind = "call-queues"
	Dashboards Kind = "dashboards"
	Licenses   Kind = "licenses"
	PhonesOf   Kind = "phones"
)

// kind is all that there is to one kind of import: what its files look like, what a row of theirs
// asks for, and how the directory decides and does that. Everything else is the same for all kinds.
type kind struct {
	exported
	// manage is what an import of the kind needs, as the PUT does.
	manage auth.Permission
	layout layout
	// samples are the rows of its sample file; the check knows them by their ids.
	samples [][]string
	// offers are the values to choose from in the cells of a workbook; may be nil.
	offers func(products *catalog.Catalog) []offer
	// size is how many rows belong together; the largest must fit into an item of 400 KB.
	size filejob.Size
	// cellChars is how many characters a cell may have; 0 for what package sheet takes.
	cellChars int
	// validID says whether a cell can be the id of one, and idRule what that demands, for people.
	validID func(id string) bool
	idRule  string

	// learn reads what of the account the cells of a file name; may be nil.
	learn func(ctx context.Context, s *Service, c *call.Call, know *known) error
	// readCells takes out of the cells of a row what is neither id nor name.
	readCells func(at columns, cells *filejob.Cells, know known, r *planRow)
	// check is what the directory's rules say of a row alone.
	check func(r *planRow, products *catalog.Catalog) error
	// find says what the PUT of a row would do.
	find func(ctx context.Context, j *judgement, r *planRow) (finding, error)
	// open takes in what the rows of a plan want of each other, before any is applied; may be nil.
	open func(ctx context.Context, a *applier) error
	// again takes in what is needed to judge the rows of a plan once more; may be nil.
	again func(ctx context.Context, a *applier, j *judgement) error
	// put decides a row on the state as it is by now, for a commit.
	put func(ctx context.Context, c *call.Call, b *batch, r *planRow) error
}

// exported is the part of a kind of which files can be exported.
type exported struct {
	name Kind
	read auth.Permission // what reading one of the kind needs
	// form is the form of the file; nil for that of the import.
	form func(s *Exports, e *Export) form.Form
	// each visits the rows of the file, in the order of their ids.
	each func(ctx context.Context, s *Exports, c *call.Call, visit func(exportRow) error) error
}

// kinds are those that can be imported.
func kinds() []*kind { return []*kind{users, callQueues, dashboards} }

// of is a kind that can be imported. A request of an unknown one is looked at as of the first, for
// the other faults that it has, and refused by the contract's enumeration.
func of(name Kind) *kind {
	all := kinds()
	return all[max(0, slices.IndexFunc(all, func(k *kind) bool { return k.name == name }))]
}

// title begins the name of a file of the kind: "Call queues".
func (k Kind) title() string {
	return strings.ToUpper(string(k[:1])) + strings.ReplaceAll(string(k[1:]), "-", " ")
}

// sample names the sample file of the kind: "Import call queues".
func (k Kind) sample() string { return "Import " + strings.ReplaceAll(string(k), "-", " ") }

// limits are those of a file of the kind.
func (k *kind) limits() sheet.Limits {
	limits := sheet.DefaultLimits()
	if k.cellChars > 0 {
		limits.CellChars = k.cellChars
		limits.RowBytes = limits.TextBytes // a call queue of 20,000 members is one row
	}
	return limits
}

// idsInCell is how many ids one cell of a list may have to take, and cellOfIDs their characters: the
// 254 columns of a sheet that are left for members must take as many as a call queue may have, 80
// ids of 128 characters and a semicolon each. The 40 call queues of a dashboard must find room in
// one.
const (
	idsInCell = 80
	cellOfIDs = idsInCell * (128 + 1)
)

// idRule is what an id demands of all but users.
const idRule = "An id has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit."

// known is what of an account the cells of a file name.
type known struct {
	products             *catalog.Catalog
	hints                filejob.Hints
	users, roles, queues *directory.Named
	centers              *directory.Named
}

// offer are values to choose from in the columns of a header.
type offer struct {
	header, name string
	values       []form.AddOn
}
