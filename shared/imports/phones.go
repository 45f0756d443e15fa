package imports

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook/csvout"
	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/directory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
)

// pageOfUsers is how many users are read at a time, with what they hold.
const pageOfUsers = 200

// Phone is an extension as a file of mass configuration has it.
type Phone struct {
	Extension, Number, UserID string
	AddOns                    []string // codes, in the catalog's order
}

// Phones are the account's extensions whose users hold a Phone System license, by length and
// digits; most bounds how many are read, at least 1. An extension without a license is left out:
// sent back, its row would assign one.
func Phones(
	ctx context.Context,
	people *directory.Service,
	c *call.Call,
	products *catalog.Catalog,
	most int,
) ([]Phone, error) {
	var phones []Phone
	err := eachPhone(ctx, people, c, products, func(p Phone) error {
		if phones = append(phones, p); len(phones) == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	slices.SortFunc(phones, func(a, b Phone) int {
		return cmp.Or(cmp.Compare(len(a.Extension), len(b.Extension)), cmp.Compare(a.Extension, b.Extension))
	})
	return phones, err
}

// errEnough ends a visit early.
var errEnough = errors.New("enough")

// eachPhone visits the phones by the ids of their users.
func eachPhone(
	ctx context.Context,
	people *directory.Service,
	c *call.Call,
	products *catalog.Catalog,
	visit func(Phone) error,
) error {
	addOns := products.AddOns(catalog.PhoneSystemID)
	return eachUser(ctx, people, c, func(u directory.User) error {
		holds := func(product string) bool {
			return slices.ContainsFunc(u.Holdings, func(l directory.UserLicense) bool { return l.ProductID == product })
		}
		if u.Extension == "" || !holds(catalog.PhoneSystemID) {
			return nil
		}
		p := Phone{Extension: u.Extension, Number: u.Number, UserID: u.ID}
		for _, addOn := range addOns {
			if holds(addOn.ID) {
				p.AddOns = append(p.AddOns, addOn.Code)
			}
		}
		return visit(p)
	})
}

// PhoneRows are the rows of a file of mass configuration.
func PhoneRows(phones []Phone) [][]string {
	rows := make([][]string, len(phones))
	for i, p := range phones {
		rows[i] = p.row()
	}
	return rows
}

func (p Phone) row() []string { return append([]string{p.Extension, p.Number, p.UserID}, p.AddOns...) }

// PhonesFile is a file of mass configuration.
type PhonesFile struct {
	Created time.Time
	Format  string // xlsx or csv
	Rows    [][]string
}

// WritePhones writes a file of mass configuration, with a column for each add-on that there is.
func WritePhones(w io.Writer, env *app.Env, products *catalog.Catalog, file PhonesFile) error {
	return writeRows(w, env, file.Format, phonesForm(products, file.Created), file.Rows)
}

// phonesForm is the form of a mass configuration.
func phonesForm(products *catalog.Catalog, created time.Time) form.Form {
	sample := form.Sample{Created: created}
	for _, p := range products.AddOns(catalog.PhoneSystemID) {
		sample.AddOns = append(sample.AddOns, form.AddOn{Code: p.Code, Name: p.Name})
	}
	return form.SampleForm(sample)
}

// newTable begins a file in a format.
func newTable(w io.Writer, env *app.Env, format string, f form.Form) (form.Rows, error) {
	if format == formatCSV {
		return csvout.NewTable(w, f.Header)
	}
	return env.Workbooks.Form(w, f)
}

func writeRows(w io.Writer, env *app.Env, format string, f form.Form, rows [][]string) error {
	out, err := newTable(w, env, format, f)
	if err != nil {
		return err
	}
	defer out.Discard()
	for _, row := range rows {
		if err := out.Append(row); err != nil {
			return err
		}
	}
	return out.Close()
}

// eachUser visits the users of the account in the order of their ids, with what they hold.
func eachUser(ctx context.Context, people *directory.Service, c *call.Call, visit func(directory.User) error) error {
	for after := ""; ; {
		users, next, err := people.ListUsers(ctx, c, "", after, pageOfUsers)
		if err != nil {
			return err
		}
		for _, u := range users {
			if err := visit(u); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}
