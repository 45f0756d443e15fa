package pages

import (
	"context"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Overview", Path: "", Order: 10,
	Routes: []web.Route{{Path: "", Show: showOverview}},
})

// lowSeats is how few free seats of a product, as a part of those bought, are worth a look before
// there is a rule of the account for it.
const lowSeats = 10

// overview is what the page shows; what the reader may not see is empty.
type overview struct {
	summary client.Answer[client.ProductSummaryPage]
	billing client.Answer[client.Billing]
	changes client.Answer[client.AuditRecordPage]
	files   client.Answer[client.MassConfigurationPage]
}

// attention is something that somebody should look at.
type attention struct{ Kind, Word, Text, Href, Link string }

func showOverview(c *web.Context, _ *view.Form) error {
	var o overview
	err := c.Load(
		client.IfAllowed(client.Into(&o.summary, c.API.SummarizeLicenses)),
		client.IfAllowed(client.Into(&o.billing, c.API.GetBilling)),
		client.IfAllowed(
			client.Into(&o.changes, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
				return c.API.ListAudit(ctx, client.ListAuditQuery{Limit: 8})
			}),
		),
		client.IfAllowed(
			client.Into(&o.files, func(ctx context.Context) (client.Answer[client.MassConfigurationPage], error) {
				return c.API.ListMassConfigurations(ctx, client.ListMassConfigurationsQuery{Limit: 5})
			}),
		),
	)
	if err != nil {
		return err
	}
	return c.Show("Overview", overviewPage(c, o, needsAttention(c, o)))
}

func needsAttention(c *web.Context, o overview) []attention {
	f := c.Format()
	var list []attention
	for _, p := range o.summary.Body.Items {
		if p.Waiting > 0 {
			list = append(list, attention{
				"warn",
				"waiting",
				f.Count(p.Waiting, "person waits", "people wait") + " for a license of " + p.Name + ".",
				c.Link("licenses") + "?product=" + p.ProductID,
				"See its licenses",
			})
		}
		if isShort(c, p) && p.Waiting == 0 {
			list = append(list, attention{
				"warn",
				"few free",
				f.Number(p.Available) + " of " + f.Number(p.Bought) + " licenses of " + p.Name + " are free.",
				c.Link("licenses") + "?product=" + p.ProductID + "&status=available",
				"See them",
			})
		}
	}
	if n := o.billing.Body.OverageUsers; n > 0 {
		list = append(
			list,
			attention{
				"bad",
				"overage",
				f.Count(n, "active user has", "active users have") + " no license of Live Reports.",
				c.Link("usage"),
				"See usage",
			},
		)
	}
	for _, m := range o.files.Body.Items {
		if m.State == "failed" || m.State == "rejected" {
			list = append(
				list,
				attention{
					"bad",
					m.State,
					"The file " + m.FileName + " was not applied.",
					c.Link("mass-configurations", m.ID),
					"See why",
				},
			)
		}
	}
	return list
}

// isShort says whether few of what was bought is free. Metered products are counted and never
// bought, and of unlimited ones there is always another.
func isShort(c *web.Context, p client.ProductSummary) bool {
	if p.Kind == "metered" || isUnlimited(c) && p.ProductID == liveReports {
		return false
	}
	return p.Bought > 0 && p.Available*lowSeats < p.Bought
}

// used is how much of what was bought is assigned, in percent.
func used(p client.ProductSummary) string {
	if p.Bought == 0 {
		return "0"
	}
	return strconv.FormatInt(p.Assigned*100/p.Bought, 10)
}

// bought are the products of which there is or was something.
func bought(all []client.ProductSummary) []client.ProductSummary {
	var some []client.ProductSummary
	for _, p := range all {
		if p.Bought+p.Assigned+p.Waiting > 0 {
			some = append(some, p)
		}
	}
	return some
}

// subjectLink is where the thing of an audit entry can be looked at; empty where it cannot.
func subjectLink(c *web.Context, subject string) string {
	kind, id := cut(subject, ":")
	switch {
	case id == "":
	case kind == "license" && c.May(auth.LicensesRead):
		return c.Link("licenses", id)
	case kind == "order" && c.May(auth.BillingRead):
		return c.Link("billing", "orders", id)
	case kind == "user" && c.May(auth.AuditRead):
		return history(c, "user", id)
	case kind == "report" && c.May(auth.UsageRead):
		return c.Link("usage", "reports", id)
	case (kind == "grant" || kind == "exclusion") && c.May(auth.LicensesRead, auth.DirectoryRead):
		product, user := cut(id, "#")
		return c.Link("live-reports", "users", user) + "?product=" + queryEscape(product)
	case kind == "dashboard" && c.May(auth.LiveReportsView):
		return c.Link("live-reports", "dashboards", id)
	case kind == "queue" && c.May(auth.DirectoryRead):
		return c.Link("live-reports", "queues", id)
	case kind == "wallboards" && c.May(auth.MetricsRead):
		return c.Link("metrics")
	case kind == "massConfiguration" && c.HasPage("mass-configurations") && c.May(auth.LicensesManage):
		return c.Link("mass-configurations", id)
	}
	return ""
}

// subjectName is the thing of an audit entry as a table shows it: its kind, and an id that fits
// there.
func subjectName(subject string) string {
	kind, id := cut(subject, ":")
	if len(id) == len("00000000-0000-0000-0000-000000000000") && strings.Count(id, "-") == 4 {
		id, _ = cut(id, "-")
		id += "…"
	}
	if product, user := cut(id, "#"); user != "" && (kind == "grant" || kind == "exclusion") {
		return user + ", " + product
	}
	if name, known := kinds[kind]; known {
		kind = name
	}
	return strings.TrimSpace(kind + " " + id)
}
