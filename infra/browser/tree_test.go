package browser_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// element is something on a page, as a person knows it.
type element struct {
	id         cdp.BackendNodeID
	role, name string
}

func (e element) String() string { return fmt.Sprintf("the %s %q", e.role, e.name) }

// The roles of what one presses, and of what one writes or chooses in.
var (
	pressable = []string{
		"button", "link", "checkbox", "radio", "tab", "menuitem", "switch",
		"DisclosureTriangle", "DisclosureTriangleGrouped", "summary",
	}
	writable = []string{"textbox", "searchbox", "spinbutton", "combobox", "listbox", "Date", "DateTime", "InputTime"}
)

// tree is what the browser tells screen readers of a page.
type tree struct {
	order []*accessibility.Node
	by    map[accessibility.NodeID]*accessibility.Node
}

// look reads the page.
func (p *person) look() (*tree, error) {
	got, err := chromedp.Call(p.tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	t := &tree{by: map[accessibility.NodeID]*accessibility.Node{}}
	for _, n := range got.Nodes {
		t.by[n.NodeID] = n
	}
	for _, n := range got.Nodes {
		if n.ParentID == "" {
			t.walk(n, func(n *accessibility.Node) { t.order = append(t.order, n) })
		}
	}
	return t, nil
}

// walk goes through a node and all below it, in the order of the page.
func (t *tree) walk(n *accessibility.Node, each func(*accessibility.Node)) {
	each(n)
	for _, id := range n.ChildIDs {
		if child := t.by[id]; child != nil {
			t.walk(child, each)
		}
	}
}

func valueOf(v *accessibility.Value) string {
	if v == nil || len(v.Value) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value)
	}
	return text
}

// text is what is read below a node.
func (t *tree) text(n *accessibility.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	t.walk(n, func(n *accessibility.Node) {
		if n.Ignored {
			return
		}
		switch role := valueOf(n.Role); role {
		case "StaticText":
			b.WriteString(valueOf(n.Name))
		case "InlineTextBox":
		default:
			b.WriteByte(' ')
		}
	})
	return b.String()
}

// scope is the part of the page that has a name, or the row that has a text; the whole page for "".
func (t *tree) scope(part string) *accessibility.Node {
	if len(t.order) == 0 || part == "" {
		return t.first()
	}
	parts := []string{"region", "table", "navigation", "group", "form", "search", "main", "list", "banner"}
	for _, n := range t.order {
		if !n.Ignored && slices.Contains(parts, valueOf(n.Role)) && fold(valueOf(n.Name)) == fold(part) {
			return n
		}
	}
	for _, n := range t.order {
		role := valueOf(n.Role)
		if !n.Ignored && (role == "row" || role == "listitem") && strings.Contains(fold(t.text(n)), fold(part)) {
			return n
		}
	}
	return nil
}

func (t *tree) first() *accessibility.Node {
	if len(t.order) == 0 {
		return nil
	}
	return t.order[0]
}

// find is the element of some roles with a name; it waits until it is there.
func (p *person) find(name string, roles []string) element {
	p.t.Helper()
	var found element
	p.until(func() (wrong string) {
		found, wrong = p.seek(name, roles)
		return wrong
	})
	return found
}

// seek is find without waiting. A whole name wins over its beginning, since what is called "Add to
// Cart Live Reports" reads "Add to Cart"; and what is in the page wins over what is around it.
func (p *person) seek(name string, roles []string) (found element, wrong string) {
	t, err := p.look()
	if err != nil {
		return element{}, err.Error()
	}
	from := t.scope(p.within)
	if from == nil {
		return element{}, fmt.Sprintf("there is no part %q", p.within)
	}
	for _, whole := range []bool{true, false} {
		for _, part := range []*accessibility.Node{mainOf(t, from), from} {
			list := t.named(part, name, roles, whole)
			switch {
			case len(list) == 1:
				return list[0], ""
			case len(list) > 1:
				return element{}, fmt.Sprintf("%d are called %q: %v", len(list), name, list)
			}
		}
	}
	return element{}, fmt.Sprintf("nothing is called %q that is a %s", name, strings.Join(roles[:2], " or "))
}

// mainOf is the main part of the page, where that is looked at whole.
func mainOf(t *tree, from *accessibility.Node) *accessibility.Node {
	if from != t.first() {
		return from
	}
	for _, n := range t.order {
		if valueOf(n.Role) == "main" {
			return n
		}
	}
	return from
}

func (t *tree) named(from *accessibility.Node, name string, roles []string, whole bool) (list []element) {
	t.walk(from, func(n *accessibility.Node) {
		role, called := valueOf(n.Role), strings.Join(strings.Fields(valueOf(n.Name)), " ")
		rest, begins := strings.CutPrefix(called, name)
		fits := begins && (rest == "" || !whole && strings.ContainsAny(rest[:1], " ,"))
		if fits && !n.Ignored && slices.Contains(roles, role) && n.BackendDOMNodeID != 0 {
			list = append(list, element{n.BackendDOMNodeID, role, called})
		}
	})
	return list
}

// has says whether something that can be pressed has a name.
func (p *person) has(name string) bool {
	_, wrong := p.seek(name, pressable)
	return wrong == ""
}

// on calls a function of JavaScript with an element as this.
func on[T any](p *person, e element, function string) T {
	p.t.Helper()
	value, err := try[T](p, e, function)
	if err != nil {
		p.t.Fatalf("%s: %v", e, err)
	}
	return value
}

// try is on for an element that may be gone.
func try[T any](p *person, e element, function string) (value T, err error) {
	object, err := chromedp.Call(p.tab, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: e.id})
	if err != nil {
		return value, err
	}
	got, err := chromedp.Call(p.tab, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: object.Object.ObjectID, ReturnByValue: new(true),
	})
	switch {
	case err != nil:
		return value, err
	case got.ExceptionDetails != nil:
		return value, errors.New(got.ExceptionDetails.Text)
	case len(got.Result.Value) == 0:
		return value, nil
	}
	return value, json.Unmarshal(got.Result.Value, &value)
}
