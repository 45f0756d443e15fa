package access_test

import (
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
)

// A request of an account touches no key of another one, whatever mistake is made in its code
// (docs/isolation.md); what works over all accounts is no request of one.
func TestARequestTouchesItsAccountAlone(t *testing.T) {
	store := fixtures.New(t).Env.Table
	guarded := access.Guard(store)
	caller := auth.Principal{User: "ann", Account: "acme", Permissions: auth.SetOf(auth.LicensesRead)}
	enter := func(account string, permissions ...auth.Permission) (refused func(partition string) []bool) {
		t.Helper()
		who := caller
		who.Permissions = auth.SetOf(permissions...)
		ctx, err := access.Enter(auth.With(t.Context(), who), store, who,
			access.Demand{Account: account, Permissions: permissions})
		if err != nil {
			t.Fatal(err)
		}
		return func(partition string) []bool {
			key := table.Key{Partition: partition, Sort: "x"}
			_, looked := guarded.Lookup(ctx, table.Key{Partition: "A#acme#HOLDER#ann", Sort: "HOLDER"}, key)
			_, queried := guarded.Query(ctx, table.Query{Partition: partition})
			_, indexed := guarded.Query(ctx, table.Query{Index: table.Index1, Partition: partition})
			item := table.Item{Key: key, Data: []byte("{}")}
			put := guarded.Commit(ctx, []table.Operation{table.Put(item, table.Always)})
			checked := guarded.Commit(ctx, []table.Operation{table.Check(key, table.IfVersion(1))})
			_, met := table.Refused(checked)
			return []bool{looked != nil, queried != nil, indexed != nil, put != nil, checked != nil && !met}
		}
	}
	own := enter("acme", auth.LicensesRead)
	for partition, want := range map[string]bool{
		"A#acme#LICENSE#a": false, "A#acme2#LICENSE#a": true, "A#globex#LICENSE#a": true, "A#acm": true,
		"ACCOUNTS": true, "JOBS#0": true, "": true,
	} {
		for i, got := range own(partition) {
			if got != want && (partition != "" || i > 2) {
				t.Errorf("way %d of %q: refused %v, want %v", i, partition, got, want)
			}
		}
	}
	operator := enter("", auth.AccountsManage)
	for i, got := range operator("ACCOUNTS")[:3] {
		if got && i != 0 {
			t.Errorf("an operator's list of accounts is refused, way %d", i)
		}
	}
}
