package imports

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/text"
	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// users are imports and exports of users.
var users = &kind{
	exported: exported{name: Users, read: auth.DirectoryRead, each: eachUserRow},
	manage:   auth.DirectoryManage,
	layout: layout{
		single: []heading{
			{header: "User", field: fieldID, required: true},
			{header: "Name", field: fieldName, required: true},
			{header: "Email", field: fieldEmail, required: true},
			{header: "Extension", field: fieldExtension},
			{header: "Number", field: fieldNumber},
			{header: "Active", field: fieldActive},
			{header: "Agent source", field: fieldAgentSource},
			{header: "Cost Center", field: fieldCostCenter},
		},
		lists: []heading{{header: "Role", field: fieldRoles}, {header: "License", field: fieldLicenses}},
		shown: 3,
	},
	samples: [][]string{
		{
			filejob.SampleMark + " john", "John Smith", "john@example.com", "101", "6567891230", "yes", "manual", "",
			"", "", "", // every account has roles of its own
			"essential-user", "agent-user",
		},
		{filejob.SampleMark + " mary", "Mary Jones", "mary@example.com", "", "", "no"},
	},
	offers:    offersToUsers,
	size:      filejob.Size{Chunk: 50, Batch: 16}, // a row takes about 1 KB, and at worst 6
	validID:   auth.ValidUserID,
	idRule:    "An id of a user is " + auth.UserIDRule + ".",
	learn:     learnForUsers,
	readCells: readUser,
	check: func(r *planRow, products *catalog.Catalog) error {
		return directory.CheckUser(r.sent(), directory.User{}, products)
	},
	find:  findUser,
	open:  openUsers,
	again: againUsers,
	put:   putUser,
}

// user is the rest of a row of users.
type user struct {
	Email       string   `json:"email,omitempty"`
	Extension   string   `json:"ext,omitempty"`
	Number      string   `json:"number,omitempty"`
	Inactive    bool     `json:"inactive,omitempty"`
	AgentSource string   `json:"agentSource,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Licenses    []string `json:"licenses,omitempty"`
	CostCenter  string   `json:"costCenter,omitempty"`
	// HadExtension and HadNumber are what the user has at the check; the profile's version does not
	// tell of them.
	HadExtension string `json:"hadExt,omitempty"`
	HadNumber    string `json:"hadNumber,omitempty"`
}

// learnForUsers reads the roles and the cost centers that cells name.
func learnForUsers(ctx context.Context, s *Service, c *call.Call, know *known) error {
	know.roles, know.centers = directory.NewNamed("role"), directory.NewCoded("cost center")
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error { return learn(reading, c, know.roles, s.directory.EachRole) })
	group.Go(func() error { return learn(reading, c, know.centers, s.directory.EachCostCenter) })
	return group.Wait() //nolint:wrapcheck // the service's own
}

// learn takes in all that there are of something, of which messages offer the first few.
func learn(
	ctx context.Context, c *call.Call, into *directory.Named,
	each func(ctx context.Context, c *call.Call, visit func(id, name string)) error,
) error {
	var ids []string
	err := each(ctx, c, func(id, name string) {
		into.Add(id, name)
		ids = append(ids, directory.Shorten(id))
	})
	into.Offer(filejob.Few("There are", ids))
	return err
}

// center is the cost center that a cell names, by code or by name; empty where it names none.
func center(at columns, cells *filejob.Cells, among *directory.Named) string {
	said := at.text(cells, fieldCostCenter)
	if said == "" {
		return ""
	}
	code, _, why := among.Find(said)
	if why != "" {
		cells.Fault(at.of(fieldCostCenter), "%s", why)
	}
	return code
}

// readUser reads the cells of a row of users.
func readUser(at columns, cells *filejob.Cells, know known, r *planRow) {
	r.User = &user{
		Email:       at.text(cells, fieldEmail),
		Extension:   at.text(cells, fieldExtension),
		Number:      at.text(cells, fieldNumber),
		AgentSource: at.text(cells, fieldAgentSource),
		CostCenter:  center(at, cells, know.centers),
		Inactive:    inactive(cells, at.of(fieldActive)),
		Roles:       find(cells, at.lists[fieldRoles], know.roles),
		Licenses:    metered(cells, at.lists[fieldLicenses], know.products, know.hints),
	}
	if source := r.User.AgentSource; source != "" && source != "manual" && source != "pbx" {
		cells.Fault(at.of(fieldAgentSource), "The agent source is manual or pbx.")
	}
}

// inactive reads the column Active: yes and no, or TRUE and FALSE; a blank cell is yes.
func inactive(cells *filejob.Cells, column int) bool {
	if column < 0 {
		return false
	}
	cell := cells.Row.Cell(column)
	value := cell.Text
	if cell.Kind != sheet.KindBool {
		var ok bool
		if value, ok = cells.Text(column); !ok {
			return false
		}
	}
	switch strings.ToLower(value) {
	case "", "yes", "true":
		return false
	case "no", "false":
		return true
	}
	cells.Fault(column, "Active is yes or no.")
	return false
}

// metered reads the metered products of a user's own; sorted ids.
func metered(cells *filejob.Cells, columns []int, products *catalog.Catalog, hints filejob.Hints) []string {
	var ids []string
	for _, column := range columns {
		id, ok := cells.Text(column)
		if !ok || id == "" {
			continue
		}
		p, known := products.Lookup(id)
		switch {
		case !known || p.Kind != catalog.Metered || len(p.Devices) > 0:
			cells.Fault(column, "%s is not a metered product that users hold.%s", directory.Shorten(id), hints.For(id))
		case slices.Contains(ids, id):
			cells.Fault(column, "%s is there twice in this row.", id)
		default:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// sent is the user as a row says them; a field that stays as it is has its zero value.
func (r *planRow) sent() directory.User {
	return directory.User{
		ID:          r.ID,
		Name:        r.Name,
		Email:       r.User.Email,
		Extension:   r.User.Extension,
		Number:      r.User.Number,
		RoleIDs:     r.User.Roles,
		Active:      !r.User.Inactive,
		Licenses:    r.User.Licenses,
		AgentSource: r.User.AgentSource,
		CostCenter:  r.User.CostCenter,
	}
}

// wanted is what a row asks for, as a PUT that leaves out the fields of which the file has no column.
func (r *planRow) wanted() directory.UserChange {
	u := r.sent()
	change := directory.UserChange{ID: u.ID, Name: u.Name, Email: u.Email, AgentSource: u.AgentSource}
	if !r.keeps(fieldExtension) {
		change.Extension = &u.Extension
	}
	switch {
	case !r.keeps(fieldNumber):
		change.Number = &u.Number
	case u.Extension != "" && r.User.HadNumber != "":
		// The number stays with the user who gets another extension, though the row of whoever had
		// that extension before may have taken both from them by now.
		change.Number = &r.User.HadNumber
	}
	if !r.keeps(fieldRoles) {
		change.RoleIDs = &u.RoleIDs
	}
	if !r.keeps(fieldLicenses) {
		change.Licenses = &u.Licenses
	}
	if !r.keeps(fieldActive) {
		change.Active = &u.Active
	}
	if !r.keeps(fieldCostCenter) {
		change.CostCenter = &u.CostCenter
	}
	return change
}

// findUser says what a PUT would do, for a check.
func findUser(ctx context.Context, j *judgement, r *planRow) (finding, error) {
	d, err := dryRunUser(ctx, j.s, j.c, r.wanted(), func(user string) (int64, bool) { return 0, j.yields[user] })
	if err != nil {
		return finding{}, err
	}
	moves, err := d.Moves()
	return finding{
		version: d.Version, made: d.Made, changes: userDifferences(d.Before, d.After), moves: moves, leans: d.Took,
		hadExtension: d.Before.Extension, hadNumber: d.Before.Number,
	}, err
}

// dryRunUser tries a user as a row wants them; what differs from what is stored in form only stays
// as it is (requirements, section 6).
func dryRunUser(
	ctx context.Context, s *Service, c *call.Call, u directory.UserChange, yields directory.Yields,
) (*directory.UserDryRun, error) {
	d, err := s.directory.DryRunUser(ctx, c, u, yields)
	if err != nil || d.Made {
		return d, err
	}
	form := u
	form.Name = kept(d.Before.Name, u.Name)
	differs := form.Name != u.Name
	if u.Number != nil && d.Before.Number != "" && d.Before.Number != *u.Number &&
		text.Digits(d.Before.Number) == text.Digits(*u.Number) {
		form.Number, differs = &d.Before.Number, true
	}
	if !differs {
		return d, nil
	}
	return s.directory.DryRunUser(ctx, c, form, yields)
}

// userDifferences are what a dry run changes of a user.
func userDifferences(before, after directory.User) []filejob.Difference {
	var d difference
	yes := func(user directory.User) string {
		switch {
		case user.ID == "":
			return ""
		case user.Active:
			return "yes"
		}
		return "no"
	}
	d.add(fieldName, before.Name, after.Name)
	d.add(fieldEmail, before.Email, after.Email)
	d.add(fieldExtension, before.Extension, after.Extension)
	d.add(fieldNumber, before.Number, after.Number)
	d.add(fieldActive, yes(before), yes(after))
	d.add(fieldAgentSource, before.AgentSource, after.AgentSource)
	d.add(fieldCostCenter, before.CostCenter, after.CostCenter)
	d.add(differenceRoles, strings.Join(before.RoleIDs, " "), strings.Join(after.RoleIDs, " "))
	d.add(fieldLicenses, strings.Join(before.Licenses, " "), strings.Join(after.Licenses, " "))
	held, holds := held(before), held(after)
	d.add(fieldHoldings, strings.Join(missing(held, holds), " "), strings.Join(missing(holds, held), " "))
	return d
}

// held are the products of which a user holds a license, sorted.
func held(u directory.User) []string {
	ids := make([]string, len(u.Holdings))
	for i, h := range u.Holdings {
		ids[i] = h.ProductID
	}
	return ids
}

// inFile is what the sound rows of a file of users want of each other.
type inFile struct {
	// users are those with a row of their own.
	users map[string]given
	// extensions and numbers are those that rows want, with the rows' places.
	extensions, numbers map[string]int
	// refused are the places of rows that were refused when their turn came.
	refused map[int]string
}

// given is what the check found of a user, which their row gives up if it changes that.
type given struct {
	place             int // of the row in the plan
	version           int64
	extension, number string
	changes           bool
}

func newInFile() inFile {
	return inFile{users: map[string]given{}, extensions: map[string]int{}, numbers: map[string]int{}}
}

// openUsers takes in what the rows of the plan want of each other.
func openUsers(ctx context.Context, a *applier) (err error) {
	if a.file.refused, err = a.plan.Refused(ctx); err != nil {
		return err
	}
	return a.plan.Each(ctx, 0, func(place int, r *planRow) error {
		if r.Outcome != filejob.Bad {
			a.file.users[r.ID] = given{
				place:     place,
				version:   r.Version,
				extension: r.User.HadExtension,
				number:    r.User.HadNumber,
				changes:   r.Applies(),
			}
			a.file.extensions[r.User.Extension], a.file.numbers[text.Digits(r.User.Number)] = place, place
		}
		return nil
	})
}

// againUsers has everybody with a sound row yield what others want, as in the check.
func againUsers(_ context.Context, a *applier, j *judgement) error {
	j.sound = slices.Collect(maps.Keys(a.file.users))
	return nil
}

// putUser puts a user, and remembers who was refused: what they had is not given up.
func putUser(ctx context.Context, c *call.Call, b *batch, r *planRow) error {
	err := b.putUser(ctx, c, r)
	place := b.a.file.users[r.ID].place
	if told, refused := problem.From(err); refused {
		b.a.file.refused[place] = told.Detail
	} else {
		delete(b.a.file.refused, place) // of an attempt that another change overtook
	}
	return err
}

// putUser puts a user. Who leaves by what does not fit into one commit is deactivated first, as by
// a PUT.
func (b *batch) putUser(ctx context.Context, c *call.Call, r *planRow) error {
	d, err := dryRunUser(ctx, b.a.s, c, r.wanted(), func(user string) (int64, bool) {
		g, there := b.a.file.users[user]
		return g.version, there && b.yields(g, r)
	})
	if err != nil {
		return err
	}
	if !b.asChecked(r, d) {
		return errChanged
	}
	if b.ops, err = d.Operations(beside); err == nil {
		b.committed = d.Committed
		return nil
	}
	if !errors.Is(err, directory.ErrTooMuch) {
		return err
	}
	if d.After.Active || b.parts > 0 {
		return directory.ErrTooMuchAtOnce
	}
	if d, err = b.a.s.directory.DryRunRelease(ctx, c, r.ID); err != nil {
		return err
	}
	if !b.asChecked(r, d) {
		return errChanged
	}
	if b.ops, err = d.Operations(beside); err != nil {
		return err
	}
	b.committed = d.Committed
	return filejob.ErrPart
}

// asChecked says whether a dry run begins from what the check found of the row's user, but for what
// other rows of the file have done.
func (b *batch) asChecked(r *planRow, d *directory.UserDryRun) bool {
	return b.is(r, d.Made, d.Version) && b.left(d.Before.Extension, r.User.HadExtension, b.a.file.extensions) &&
		(b.left(text.Digits(d.Before.Number), text.Digits(r.User.HadNumber), b.a.file.numbers) ||
			d.Before.Extension == "")
}

// yields says whether somebody gives up what a row wants: they had it at the check, and their own
// row is still to come. Who was given it since keeps it.
func (b *batch) yields(g given, r *planRow) bool {
	return g.changes && g.place > b.done &&
		(g.extension == r.User.Extension || text.Digits(g.number) == text.Digits(r.User.Number))
}

// left says whether an extension or number is what it was at the check, or was taken by another row
// of the file meanwhile.
func (b *batch) left(now, had string, wanted map[string]int) bool {
	if now == had {
		return true
	}
	place := wanted[had]
	_, refused := b.a.file.refused[place]
	return now == "" && place > 0 && place <= b.done && !refused
}

// eachUserRow visits the users as rows of a file.
func eachUserRow(ctx context.Context, s *Exports, c *call.Call, visit func(exportRow) error) error {
	return eachUser(ctx, s.directory, c, func(u directory.User) error {
		active := "yes"
		if !u.Active {
			active = "no"
		}
		return visit(exportRow{
			[]string{u.ID, u.Name, u.Email, u.Extension, u.Number, active, u.AgentSource, u.CostCenter},
			map[string][]string{fieldRoles: u.RoleIDs, fieldLicenses: u.Licenses},
		})
	})
}

// offersToUsers are the values to choose from in a file of users.
func offersToUsers(products *catalog.Catalog) []offer {
	var metered []form.AddOn
	for _, p := range products.Select("", catalog.Metered) {
		if len(p.Devices) == 0 {
			metered = append(metered, form.AddOn{Code: p.ID, Name: p.Name})
		}
	}
	return []offer{
		{"Active", "Active", []form.AddOn{{Code: "yes"}, {Code: "no"}}},
		{"Agent source", "Agent source", []form.AddOn{{Code: "manual"}, {Code: "pbx"}}},
		{"License", "Metered product", metered},
	}
}
