package pages

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// accountCost is what an account takes of the stack, and what that costs the provider.
type accountCost struct {
	account client.Account
	cost    client.AccountCost
	query   url.Values
	fault   *view.Fault
}

func showAccountCost(c *web.Context, _ *view.Form) error {
	v := accountCost{query: c.Query()}
	api := c.API.In(c.Param("id"))
	var a client.Answer[client.Account]
	var cost client.Answer[client.AccountCost]
	err := c.Load(client.Into(&a, api.GetAccount), client.Into(&cost,
		func(ctx context.Context) (client.Answer[client.AccountCost], error) {
			cost, err := api.GetCost(ctx, client.GetCostQuery{
				From: v.query.Get("from"), To: dayAfter(v.query.Get("last")),
			})
			if e := client.As(err); e != nil && e.Status == http.StatusUnprocessableEntity {
				v.fault = &view.Fault{Title: notTheseDays, Fields: namedLast(e.Errors)}
				return api.GetCost(ctx, client.GetCostQuery{})
			}
			return cost, err
		},
	))
	if err != nil {
		return err
	}
	v.account, v.cost = a.Body, cost.Body
	return c.Show("Cost of "+v.account.Name, accountCostPage(c, v))
}

// countedNext is when today, a day of UTC, is counted: the schedule of CostFunction in template.yaml.
func countedNext(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(24*time.Hour + 20*time.Minute)
}

// dollars are an amount that is often less than a cent.
func dollars(amount float64) string { return strconv.FormatFloat(amount, 'f', 4, 64) + " USD" }

// whole is a count that the API measures in parts.
func whole(f *view.Format, n float64) string { return f.Number(int64(math.Round(n))) }

// parts are the services that the dollars are of.
func (v accountCost) parts() []view.Both {
	d := v.cost.Dollars
	return []view.Both{
		{Label: "Functions (Lambda)", Yours: dollars(d.Lambda)},
		{Label: "Table (DynamoDB)", Yours: dollars(d.DynamoDB)},
		{Label: "Requests (API Gateway)", Yours: dollars(d.ApiGateway)},
		{Label: "Logs (CloudWatch)", Yours: dollars(d.CloudWatch)},
	}
}
