package directory

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/problem"
)

// What is refused of a user alone, by the fields that the problem names; and what is stored already
// is not judged again (requirements, section 6).
func TestCheckUser(t *testing.T) {
	long := strings.Repeat("e", 250) + "@acme.example"
	roles := slices.Repeat([]string{"agent"}, MaxRoles+1)
	for i := range roles {
		roles[i] += strings.Repeat("-", i)
	}
	for name, tc := range map[string]struct {
		user User
		want []string
	}{
		"sound": {User{
			Name: "Zoë", Email: "zoe@acme.example", Extension: "0101", Number: "+1 656 789-1230",
			Licenses: []string{"essential-user", "agent-user"}, AgentSource: "pbx",
		}, nil},
		"no name":                     {User{}, []string{"name"}},
		"a name that cannot be seen":  {User{Name: "\u200b"}, []string{"name"}},
		"no address":                  {User{Name: "Zoe", Email: "zoe@"}, []string{"email"}},
		"an address too long":         {User{Name: "Zoe", Email: long}, []string{"email"}},
		"letters in an extension":     {User{Name: "Zoe", Extension: "12a"}, []string{"extension"}},
		"a number too short":          {User{Name: "Zoe", Extension: "1", Number: "12"}, []string{"number"}},
		"a number without extension":  {User{Name: "Zoe", Number: "6567891230"}, []string{"number"}},
		"too many roles":              {User{Name: "Zoe", RoleIDs: roles}, []string{"roleIds"}},
		"admin of too much":           {User{Name: "Zoe", AdminOfCostCenters: roles}, []string{"adminOfCostCenters"}},
		"a product that is bought":    {User{Name: "Zoe", Licenses: []string{"phone-system"}}, []string{"licenses[0]"}},
		"a source of nothing":         {User{Name: "Zoe", AgentSource: "pbx"}, []string{"agentSource"}},
		"all that is wrong, together": {User{Email: "zoe@", Extension: "12a"}, []string{"name", "email", "extension"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			if p := (*problem.Problem)(nil); errors.As(CheckUser(tc.user, User{}, catalog.Default()), &p) {
				for _, f := range p.Fields {
					got = append(got, f.Field)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("wanted -, got +:\n%s", diff)
			}
		})
	}
	stored := User{Name: "Zoe", Email: "zoe@", Extension: "12a", Number: "12", Licenses: []string{"phone-system"}}
	if err := CheckUser(stored, stored, catalog.Default()); err != nil {
		t.Errorf("as it is stored: %v", err)
	}
}
