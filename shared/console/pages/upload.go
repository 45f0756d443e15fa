package pages

import (
	"strconv"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// uploadScript is the module of every page that has a view.Upload.
const uploadScript = "upload.js"

// uploadButton sends a file.
const uploadButton = "Upload and check"

// mostKey is the longest idempotency key of a form.
const mostKey = 64

// fileFields are the labels of the fields of a form that brings a file.
var fileFields = web.Fields(
	"fileName", "The name of the file", "sizeBytes", "The size of the file",
	"hidden", "Hidden rows and columns", "skipErrors", "Rows with errors",
)

// hiddenOptions are what may become of hidden rows and columns.
var hiddenOptions = []view.Option{
	{Value: "reject", Name: "Refuse the file and name them", Note: "A filter may have been left on."},
	{Value: "apply", Name: "Use them like all others"},
	{Value: "skip", Name: "Leave them out"},
}

// errorOptions are what may become of rows with errors.
var errorOptions = []view.Option{
	{Value: "", Name: "Refuse the file", Note: "Nothing is applied until every row is right."},
	{Value: "true", Name: "Leave them out", Note: "The other rows can be applied."},
}

// fileDefaults are the choices of a new form: those of the address, which a link may have made, or
// the careful ones.
func fileDefaults(c *web.Context, f *view.Form) {
	if f.Values.Has("hidden") {
		return
	}
	f.Values.Set("hidden", hiddenOptions[0].Value)
	for _, o := range hiddenOptions {
		if c.Query().Get("hidden") == o.Value {
			f.Values.Set("hidden", o.Value)
		}
	}
	if c.Query().Get("skipErrors") == "true" {
		f.Values.Set("skipErrors", "true")
	}
}

// brought is a file as its form names it.
type brought struct {
	name       string
	size       int64
	hidden     *string
	skipErrors *bool
}

// broughtBy reads a form of view.Upload. The module fills in name and size; without script they are
// empty.
func broughtBy(f *view.Form) (brought, error) {
	size, err := strconv.ParseInt(f.Get("sizeBytes"), 10, 64)
	if err != nil {
		return brought{}, web.Wrong("sizeBytes", "is not known: uploading a file needs script")
	}
	b := brought{name: f.Get("fileName"), size: size}
	if hidden := f.Get("hidden"); hidden != "" {
		b.hidden = &hidden
	}
	if f.Get("skipErrors") == "true" {
		b.skipErrors = new(true)
	}
	return b, nil
}

// resumed is the form that goes on with an upload whose file has not come: the same key, size and
// choices, so that the API answers with the same place. ok is false where the address does not have
// the key.
func resumed(c *web.Context, name string, size int64, hidden string, skipErrors bool) (u view.UploadForm, ok bool) {
	key := c.Query().Get("upload")
	if key == "" || len(key) > mostKey {
		return view.UploadForm{}, false
	}
	f := c.NewForm()
	f.Key = key
	f.Values.Set("hidden", hidden)
	if skipErrors {
		f.Values.Set("skipErrors", "true")
	}
	return view.UploadForm{
		Form: f, Button: uploadButton, Same: view.SameFile{Name: name, Size: size},
		Hint: "The very file that this upload was begun with: " + name + ", " + c.Format().Number(size) + " bytes.",
	}, true
}

// uploading ends a form of view.Upload.
func uploading(c *web.Context, page string, u *client.Upload) error {
	if u == nil {
		return c.GoTo(page)
	}
	return c.Uploading(page, *u)
}
