package pages

import (
	"context"
	"slices"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// nameCalls read what people call products and cost centers, where the reader may see them; what a
// page has not asked for, or may not see, is called by its id.
type nameCalls struct {
	catalog client.Answer[client.CatalogItemPage]
	centers client.Answer[client.CostCenterPage]
}

// calls name both.
func (n *nameCalls) calls(c *web.Context) []func(context.Context) error {
	return []func(context.Context) error{n.products(c), n.costCenters(c)}
}

// products is the call that names products.
func (n *nameCalls) products(c *web.Context) func(context.Context) error {
	return client.IfAllowed(
		client.Into(&n.catalog, func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
			return c.API.ListCatalog(ctx, client.ListCatalogQuery{Limit: mostNames})
		}),
	)
}

// costCenters is the call that names cost centers.
func (n *nameCalls) costCenters(c *web.Context) func(context.Context) error {
	return client.IfAllowed(client.Into(&n.centers, listCenters(c)))
}

// item is a product of the catalog, of which an unknown one has the id alone.
func (n *nameCalls) item(id string) client.CatalogItem {
	for _, p := range n.catalog.Body.Items {
		if p.ID == id {
			return p
		}
	}
	return client.CatalogItem{ID: id, Name: id}
}

// product is what a product is called.
func (n *nameCalls) product(id string) string { return n.item(id).Name }

// peopleNamed are the names of some users by their ids, by the calls of a page's second round; of who may
// not be read, or is no user of the account, there is none.
func peopleNamed[T any](c *web.Context, list []T, id func(T) string) (people, error) {
	var ids []string
	for _, one := range list {
		ids = append(ids, id(one))
	}
	slices.Sort(ids)
	found, calls := usersNamed(c, nonEmpty(slices.Compact(ids)))
	if len(calls) == 0 {
		return nil, nil
	}
	named := people{}
	err := c.Load(calls...)
	for _, page := range found {
		for _, u := range page.Body.Items {
			named[u.ID] = u.Name
		}
	}
	return named, err
}

// enterCenters enters what cost centers are called among names by kind and id.
func (n *nameCalls) enterCenters(names map[string]string) {
	for _, one := range n.centers.Body.Items {
		names[kindCenter+":"+one.Code] = view.CenterName(one.Code, one.Name)
	}
}

// center is a cost center's code and name.
func (n *nameCalls) center(code string) string { return centersOf(n.centers).name(code) }
