package imports

import (
	"context"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// licenses are exports of licenses; no import takes them.
var licenses = &exported{
	name: Licenses,
	read: auth.LicensesRead,
	form: func(_ *Exports, e *Export) form.Form {
		return form.Form{Created: e.CreatedAt, Title: "Licenses", Header: licenseColumns}
	},
	each: func(ctx context.Context, s *Exports, c *call.Call, visit func(exportRow) error) error {
		return eachPage(func(after string) (string, error) {
			licenses, next, err := s.inventory.List(ctx, c, inventory.Filter{}, after, pageOfExport)
			for i := range licenses {
				if err = visit(exportRow{Cells: licenseCells(&licenses[i], s.products)}); err != nil {
					break
				}
			}
			return next, err
		})
	},
}

// phones are exports of the phones, as a file of mass configuration.
var phones = &exported{
	name: PhonesOf,
	read: auth.LicensesRead,
	form: func(s *Exports, e *Export) form.Form { return phonesForm(s.products, e.CreatedAt) },
	each: func(ctx context.Context, s *Exports, c *call.Call, visit func(exportRow) error) error {
		return eachPhone(ctx, s.directory, c, s.products, func(p Phone) error {
			return visit(exportRow{Cells: p.row()})
		})
	},
}

// exportOf is a kind that can be exported: the contract's enumeration lets no other name in.
func exportOf(name Kind) *exported {
	switch name {
	case Licenses:
		return licenses
	case PhonesOf:
		return phones
	case Users, CallQueues, Dashboards:
	}
	return &of(name).exported
}

// exportForm is the form of an export's file, with a number of columns of each list, by field, and
// how many cells the lists of a row fill up to; none of a kind that is exported only.
func (s *Exports) exportForm(e *Export, lists map[string]int) (form.Form, layout) {
	if form := exportOf(e.Kind).form; form != nil {
		return form(s, e), layout{}
	}
	k := of(e.Kind)
	return k.workbook(s.products, e.CreatedAt, lists), k.layout
}

// licenseColumns are those of an export of licenses; no import takes it.
var licenseColumns = []string{
	"License ID",
	"License Type",
	"Product",
	"Status",
	"Assigned To",
	"User ID",
	"Ext",
	"Cost Center Code",
	"Base license",
	"Date Added",
	"Date Assigned",
	"Order",
}

func licenseCells(l *license.License, products *catalog.Catalog) []string {
	name := l.ProductID
	if p, ok := products.Lookup(l.ProductID); ok {
		name = p.Name
	}
	at := func(t *time.Time) string {
		if t == nil || t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return []string{
		l.ID,
		name,
		l.ProductID,
		string(l.Status),
		l.UserName,
		l.UserID,
		l.Extension,
		l.CostCenter,
		l.BaseLicenseID,
		at(&l.AddedAt),
		at(l.AssignedAt),
		l.OrderID,
	}
}
