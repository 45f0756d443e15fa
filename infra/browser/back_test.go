package browser_test

import (
	"testing"

	"seatwise/shared/console/client"
)

// Who comes back by the browser's own button to a list in which something was ticked finds nothing ticked, as the
// page says: what was done with it is done.
func TestBackTicksNothing(t *testing.T) {
	p := sit(t, byMouse)
	id := newAccount()
	api := p.o.console.Account(t, id, nil)
	if _, err := api.PutUser(t.Context(), "eve", client.PutUserRequest{Name: "Eve Moss"}, key()); err != nil {
		t.Fatal(err)
	}
	p.signIn(id, "ada")
	ticked := func() int64 {
		return asks[int64](p, `document.querySelectorAll("main input[type=checkbox]:checked").length`)
	}
	for path, leave := range map[string]string{"directory": "Roles", "directory/users/eve/edit": "Cancel"} {
		p.visit("/console/" + id + "/" + path)
		before := ticked()
		box := "Select Eve Moss"
		if leave == "Cancel" {
			box = "Super Admin"
		}
		p.click(box)
		if ticked() != before+1 {
			t.Fatalf("%s: nothing is ticked", path)
		}
		p.click(leave)
		p.back()
		if now := ticked(); now != before {
			t.Errorf("%s has %d boxes ticked after Back, and had %d", path, now, before)
		}
	}
}
