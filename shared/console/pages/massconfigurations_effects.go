package pages

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// firstRows asks for the first rows of an outcome, for what a plan does to people.
func firstRows(c *web.Context, outcome string, into *client.MassConfigurationRowPage) func(context.Context) error {
	return func(ctx context.Context) error {
		a, err := c.API.ListMassConfigurationRows(ctx, c.Param("id"), client.ListMassConfigurationRowsQuery{
			Limit: mostTold, Outcome: outcome,
		})
		*into = a.Body
		return err
	}
}

// effect is what configuring does, as every confirmation tells it: from the plan itself, since a dry run of a
// file tells of none (docs/contract.md, Dry runs).
func (p plan) effect(c *web.Context) view.Effect {
	n := c.Format()
	var e view.Effect
	for _, s := range p.seats {
		e.Seats = append(e.Seats, p.seatTurn(n, s))
	}
	for _, row := range p.rows.Items {
		if does := p.does(row); does != "" && len(e.People) < mostTold {
			e.People = append(e.People, view.PersonTurn{Name: p.person(p.whose(row)), Does: does})
		}
	}
	if more := p.applies() - int64(len(e.People)); more > 0 {
		e.More = "and " + n.Count(more, "more row", "more rows") + " of the plan"
	}
	if len(e.Seats) > 0 && p.Counts.Change > 0 {
		e.Notes = append(e.Notes,
			"Seats that rows of this file give back are free again after it, and are not counted above.")
	}
	e.Notes = append(e.Notes, "What you pay stays the same: seats that are bought already are taken, and none is bought.")
	return e
}

// seatTurn is what becomes of the seats of a product.
func (p plan) seatTurn(n *view.Format, s seats) view.SeatTurn {
	t := view.SeatTurn{Name: s.name, Free: turned(n, []int64{s.free, s.free - s.wanted})}
	for _, one := range p.summary.Body.Items {
		if one.ProductID == s.product {
			t.Bought = turned(n, []int64{one.Bought, one.Bought})
			t.Assigned = turned(n, []int64{one.Assigned, one.Assigned + s.wanted})
			t.Waiting = turned(n, []int64{one.Waiting, one.Waiting})
		}
	}
	return t
}

// whose is the person of a row; of one that frees an extension, the person who had it.
func (p plan) whose(row client.MassConfigurationRow) string {
	for _, d := range row.Differences {
		if d.Field == "user" && row.UserID == "" {
			return d.From
		}
	}
	return row.UserID
}

// does is what becomes of the person of a row, as a sentence goes on after their name.
func (p plan) does(row client.MassConfigurationRow) string {
	var gets, loses, said []string
	for _, d := range row.Differences {
		switch d.Field {
		case "license", "addOns":
			one := changeOf("", strings.Fields(d.From), strings.Fields(d.To), p.product)
			gets, loses = append(gets, one.come...), append(loses, one.gone...)
		case "user":
			if d.From != "" && d.To != "" {
				said = append(said, "takes Ext "+row.Extension+" over from "+p.person(d.From))
			} else if d.From != "" {
				said = append(said, "gives up Ext "+row.Extension)
			}
		case "number":
			said = append(said, numberTurn(d.To))
		}
	}
	if len(loses) > 0 {
		said = slices.Insert(said, 0, "gives back "+strings.Join(loses, ", "))
	}
	if len(gets) > 0 {
		said = slices.Insert(said, 0, "gets "+strings.Join(gets, ", ")+", on Ext "+row.Extension)
	}
	return strings.Join(said, "; ")
}

func numberTurn(to string) string {
	if to == "" {
		return "gives up the number"
	}
	return "gets the number " + to
}

// showConfigure asks before a plan is configured, with what that does to seats, people and money.
func showConfigure(c *web.Context, f *view.Form) error {
	var m client.Answer[client.MassConfiguration]
	var made, changed client.MassConfigurationRowPage
	p := plan{}
	err := c.Load(
		getMass(c, &m), summarize(c, &p.summary), firstRows(c, "new", &made), firstRows(c, rowChange, &changed),
	)
	if err != nil {
		return err
	}
	p.MassConfiguration = m.Body
	p.seats = seatsOf(c, p.Needs, p.summary.Body.Items)
	p.rows.Items = slices.Concat(made.Items, changed.Items)
	p.rows.Items = p.rows.Items[:min(len(p.rows.Items), mostTold)]
	if err := nameUsers(c, &p); err != nil {
		return err
	}
	return c.Show("Configure "+p.FileName, configurePage(c, f, p))
}
