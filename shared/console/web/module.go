package web

import (
	"encoding/json"
	"net/http"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

const jsonType = "application/json"

// byModule says that a module of the page sent the form, and reads the answer itself: what leads
// nowhere must not be a page then.
func byModule(r *http.Request) bool { return r.Header.Get("Accept") == jsonType }

// refusal is what a module is told in the place of the page with the form.
type refusal struct {
	Title  string   `json:"title"`
	Detail string   `json:"detail,omitempty"`
	Errors []string `json:"errors,omitempty"`
	Href   string   `json:"href,omitempty"`
	Link   string   `json:"link,omitempty"`
	// Key is what the form is sent with the next time.
	Key string `json:"key"`
	// Again says that the very same may be sent once more.
	Again bool `json:"again,omitempty"`
}

func (c *Console) tell(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		c.env.Log.WarnContext(r.Context(), "a module was not answered", "error", err)
	}
}

// refusalOf says what was wrong with a form, with its fields as the route calls them.
func refusalOf(f *view.Form, fields []Label) refusal {
	said := refusal{Title: f.Fault.Title, Detail: f.Fault.Detail, Key: f.Key}
	if f.Fault.Hint != "" {
		said.Detail, said.Again = f.Fault.Hint, true
	}
	if len(f.Fault.Fields) > 0 {
		said.Title, said.Detail = "The file cannot be uploaded.", ""
	}
	for _, e := range f.Fault.Fields {
		name := e.Field
		for _, l := range fields {
			if l.Name == name {
				name = l.Label
			}
		}
		said.Errors = append(said.Errors, name+" "+e.Message+".")
	}
	return said
}

// Uploading ends a form of view.Upload, which its module sent: it is told where the file goes, and
// the page that leads on from there.
func (c *Context) Uploading(page string, u client.Upload) error {
	c.answered = true
	seconds := int64(u.ExpiresAt.Sub(c.Now()).Seconds())
	c.console.tell(c.W, c.R, http.StatusOK, view.PlaceOf(page, u, seconds))
	return nil
}
