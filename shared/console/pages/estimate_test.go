package pages_test

import (
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// supervised makes a role that carries Professional User at $18.00, and gives it to zoe.
func supervised(t *testing.T, api *client.Client) {
	t.Helper()
	role := client.PutRoleRequest{Name: "Supervisor", Licenses: client.Set([]string{"professional-user"})}
	if _, err := api.PutRole(t.Context(), "supervisor", role, client.Change{Key: "r"}); err != nil {
		t.Fatal(err)
	}
	user := client.PutUserRequest{Name: "Zoe Alvarez", RoleIDs: client.Set([]string{"supervisor"})}
	if _, err := api.PutUser(t.Context(), "zoe", user, client.Change{Key: "u"}); err != nil {
		t.Fatal(err)
	}
}

// What metered products would cost is told apart from what falls due: an estimate with its unit
// price, in no total of what was bought.
func TestMeteredProductsAreEstimated(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	supervised(t, api)
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/service-billing-details").Says(
		"Total of bought licenses", "$25.00", "Charged by use", "An estimate",
		"charged to the cost center of whoever has it",
		"Subtotal, estimated", "$18.00", "With bought licenses, about", "$43.00",
	)
	for _, path := range []string{"/console/acme/billing", "/console/acme/"} {
		b.Get(path).Says("about $18.00", "what is charged by use is not in it", "$25.00")
	}
	// Who may not see prices is shown how many are used, and no amount.
	few := c.SignIn(t, "acme", "eve", "billing.read licenses.read")
	page := few.Get("/console/acme/service-billing-details")
	page.Says("Professional User", "–")
	page.Hides("Subtotal, estimated", "about $")
}

// An account in another currency is estimated in its own.
func TestMeteredProductsAreInTheAccountsCurrency(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	change := client.PatchAccountRequest{Currency: new("EUR")}
	if _, err := api.PatchAccount(t.Context(), change, client.Change{Key: "c"}); err != nil {
		t.Fatal(err)
	}
	supervised(t, api)
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/service-billing-details").Says("€16.50")
	b.Get("/console/acme/directory/users/new").Says("+€16.50 a month", "€0.00")
}

// Ticking a role or a metered product begins a charge: its price stands beside it, and what the
// form costs above the button.
func TestRolesAndMeteredProductsHavePrices(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	supervised(t, api)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/directory/users/new")
	page.Says("Supervisor +$18.00 a month", "Metered products of these choices cost $0.00 a month")
	form := page.Post()
	form.Set("id", "zoe")
	form.Set("name", "Zoe")
	form.Set("roleIds", "supervisor")
	form.Set("licenses", "professional-user", "client-desktop")
	// Professional User is held once, by the role and directly.
	b.Submit(form).Says("Metered products of these choices cost $21.00 a month")
	b.Get("/console/acme/directory/users/zoe/edit").Says("Metered products of these choices cost $18.00 a month")
	for _, path := range []string{"/roles/supervisor/edit", "/roles/new?from=supervisor"} {
		b.Get("/console/acme/directory"+path).Says("Professional User +$18.00 a month",
			"Metered products of this role cost $18.00 a month for each person who has it.")
	}
}
