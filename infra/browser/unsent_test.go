package browser_test

import (
	"testing"

	"seatwise/shared/console/client"
)

// questions are how often the browser has asked since the test last wanted to know.
func (p *person) questions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.asked
	p.asked = 0
	return n
}

// answers says what the person says to the browser's question.
func (p *person) answers(stays bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stays = stays
}

// An edit that was changed is not left without a question: by a link, by Back, and after it was refused. Who
// stays has all that was typed. Nothing is asked of who changed nothing, sends it, cancels it, or searches.
func TestAnUnsentEditIsNotLost(t *testing.T) {
	p := sit(t, byMouse)
	id := newAccount()
	api := p.o.console.Account(t, id, nil)
	_, err := api.PutUser(t.Context(), "zoe", client.PutUserRequest{Name: "Zoe"}, key())
	if err != nil {
		t.Fatal(err)
	}
	p.signIn(id, "ada")
	edit := "/console/" + id + "/directory/users/zoe/edit"
	asked := func(want int, after string) {
		t.Helper()
		if n := p.questions(); n != want {
			t.Errorf("%s the browser asked %d times", after, n)
		}
	}
	p.visit(edit)
	p.fill("Name", "Zoe Kappa")
	p.answers(true)
	p.pointAt(p.find("Metrics", pressable))
	p.until(func() string {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.asked == 0 {
			return "nothing was asked"
		}
		return ""
	})
	asked(1, "leaving by a link")
	p.holds("Name", "Zoe Kappa")
	p.answers(false)
	p.click("Metrics")
	asked(1, "leaving all the same")
	p.visit(edit)
	p.fill("Name", "Zoe Kappa")
	p.back()
	asked(1, "going back")

	p.visit(edit)
	p.fill("Name", "Zoe Kappa")
	p.fill("Name", "Zoe")
	p.click("Metrics")
	asked(0, "what was taken back")
	p.visit(edit)
	p.fill("Name", "Zoe Kappa")
	p.click("Cancel")
	asked(0, "Cancel")
	p.visit(edit)
	p.fill("Name", "Zoe Kappa")
	p.fill("E-mail", "nobody")
	p.click("Save")
	asked(0, "sending")
	p.click("Metrics")
	asked(1, "leaving what was refused")
	p.visit("/console/" + id + "/directory")
	p.fill("Search", "zoe")
	p.click("Metrics")
	asked(0, "a search")
}
