package call

import (
	"context"
	"strings"

	"seatwise/shared/platform/table"
)

// OfAccount is how the sort keys of an account's entries begin in a partition of several accounts;
// empty for all of them.
func OfAccount(account string) string {
	if account == "" {
		return ""
	}
	return account + "#"
}

// markedPage is how many entries are read at once while the accounts are looked for that have any.
const markedPage = 50

// Marked visits each account once that has an entry in a partition whose sort keys begin with the
// account, in the order of their ids. It reads a page for each account with more than a page of them,
// and passes over the rest.
func Marked(ctx context.Context, store table.Store, query table.Query, visit func(account string)) error {
	query.Limit = markedPage
	last := ""
	for {
		page, err := store.Query(ctx, query)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			sort := item.Sort
			if query.Index != table.Base {
				sort = item.IndexKeys[query.Index-1].Sort
			}
			account, _, _ := strings.Cut(sort, "#")
			if account != last {
				visit(account)
			}
			last = account
		}
		if page.Next == "" {
			return nil
		}
		if query.After = ""; len(page.Items) == 0 {
			query.After = page.Next
			continue
		}
		query.From = last + "$" // "$" follows "#": the first entry of the next account
	}
}
