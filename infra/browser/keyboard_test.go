package browser_test

import (
	"github.com/chromedp/cdproto/input"
)

// mostTabs is more than any page has places to stop at.
const mostTabs = 400

// stroke is a key as the protocol wants it.
type stroke struct {
	key, code, text string
	virtual         int64
	modifiers       int64
	commands        []string
}

var keyOf = map[string]stroke{
	"Tab":        {key: "Tab", code: "Tab", virtual: 9},
	"Back Tab":   {key: "Tab", code: "Tab", virtual: 9, modifiers: 8},
	"Enter":      {key: "Enter", code: "Enter", text: "\r", virtual: 13},
	"Space":      {key: " ", code: "Space", text: " ", virtual: 32},
	"Escape":     {key: "Escape", code: "Escape", virtual: 27},
	"Delete":     {key: "Delete", code: "Delete", virtual: 46},
	"Down":       {key: "ArrowDown", code: "ArrowDown", virtual: 40},
	"Up":         {key: "ArrowUp", code: "ArrowUp", virtual: 38},
	"/":          {key: "/", code: "Slash", text: "/", virtual: 191},
	"select all": {key: "a", code: "KeyA", virtual: 65, modifiers: 2, commands: []string{"selectAll"}},
}

// key presses a key and lets it go.
func (p *person) key(k stroke) {
	p.t.Helper()
	event := input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: k.key, Code: k.code, Text: k.text,
		WindowsVirtualKeyCode: k.virtual, Modifiers: k.modifiers, Commands: k.commands,
	}
	if k.text == "" {
		event.Type = input.DispatchKeyEventTypeRawKeyDown
	}
	call(p, input.DispatchKeyEvent, event)
	event.Type, event.Text, event.Commands = input.DispatchKeyEventTypeKeyUp, "", nil
	call(p, input.DispatchKeyEvent, event)
}

// keyOn presses an element by the key that a person would use.
func (p *person) keyOn(e element) {
	p.t.Helper()
	p.reach(e)
	switch e.role {
	case "checkbox", "radio":
		if !on[bool](p, e, "function() { return this.checked }") {
			p.key(keyOf["Space"])
		}
	default:
		p.key(keyOf["Enter"])
	}
}

// reach goes to an element by Tab, from where the person is, and then by arrows if it is one of a
// group of which one is chosen. Wherever it stops the focus must be seen.
func (p *person) reach(e element) {
	p.t.Helper()
	here := func() bool { return on[bool](p, e, "function() { return document.activeElement === this }") }
	for range mostTabs {
		if here() {
			return
		}
		if e.role == "radio" && on[bool](p, e, `function() {
			const at = document.activeElement;
			return at.type === "radio" && at.name === this.name && at.form === this.form;
		}`) {
			p.key(keyOf["Down"])
			continue
		}
		p.key(keyOf["Tab"])
		p.seesFocus()
	}
	p.t.Fatalf("%s is not reached by Tab", e)
}

// seesFocus demands that what has the focus is in sight and outlined.
func (p *person) seesFocus() {
	p.t.Helper()
	if wrong := asks[string](p, `(() => {
		const at = document.activeElement;
		if (!at || at === document.body || at === document.documentElement) return "";
		const r = at.getBoundingClientRect(), s = getComputedStyle(at);
		const name = at.tagName + " " +
			(at.getAttribute("aria-label") ?? at.textContent ?? at.name).trim().slice(0, 40);
		if (r.width < 2 || r.height < 2) return name + " has the focus and cannot be seen";
		if (r.bottom < 0 || r.right < 0 || r.top > innerHeight || r.left > innerWidth)
			return name + " has the focus out of sight";
		const outlined = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1;
		return outlined ? "" : name + " has the focus and no outline";
	})()`); wrong != "" {
		p.t.Errorf("%s, on %s", wrong, p.at())
	}
}

// untick takes the mark out of a box.
func (p *person) untick(name string) {
	p.t.Helper()
	e := p.find(name, []string{"checkbox"})
	if !on[bool](p, e, "function() { return this.checked }") {
		p.t.Fatalf("%s is not ticked", e)
	}
	p.clicks++
	if p.how == byKeyboard {
		p.reach(e)
		p.key(keyOf["Space"])
		return
	}
	p.pointAt(e)
}
