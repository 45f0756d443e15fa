package view

import (
	"strconv"

	"seatwise/shared/console/client"
)

// UploadForm is a form that brings a file (docs/console.md, Uploads).
type UploadForm struct {
	Form *Form
	// Action takes the form: it asks the API for an upload, and ends with Context.Uploading.
	Action string
	// Button is what sends a file that was not sent as soon as it was chosen, since something was
	// wrong: such as "Upload and check".
	Button string
	// Hint says which files are taken.
	Hint string
	// Same is the upload that is to be gone on with, whose file must be chosen once more; the zero
	// Same takes any file.
	Same SameFile
}

// SameFile is a file that was begun to be uploaded. Size is in bytes.
type SameFile struct {
	Name string
	Size int64
}

func (s SameFile) size() string { return strconv.FormatInt(s.Size, 10) }

// Place is where a module puts a file: what it is told in answer to the form.
type Place struct {
	// Page is where the person is led once the file is there.
	Page    string            `json:"page"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	// Seconds is how long the address is good; none or fewer when it has ended.
	Seconds int64 `json:"seconds"`
}

// setByBrowsers are signed headers that no script may set: the browser sends them of its own.
var setByBrowsers = map[string]bool{"Content-Length": true, "Host": true}

// PlaceOf is the place of an upload. Seconds are how long it is good still.
func PlaceOf(page string, u client.Upload, seconds int64) Place {
	p := Place{Page: page, Method: u.Method, URL: u.URL, Headers: map[string]string{}, Seconds: seconds}
	for name, value := range u.Headers {
		if !setByBrowsers[name] {
			p.Headers[name] = value
		}
	}
	return p
}
