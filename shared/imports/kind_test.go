package imports

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// optional are the fields of a kind that may be nil.
var optional = []string{"offers", "learn", "open", "again", "cellChars", "form"}

// Every kind has all that a kind needs, and the contract's enumerations name all kinds.
func TestEveryKindIsWhole(t *testing.T) {
	var names []string
	for _, k := range kinds() {
		names = append(names, string(k.name))
		for _, part := range []reflect.Value{reflect.ValueOf(*k), reflect.ValueOf(k.exported)} {
			for i := range part.NumField() {
				if field := part.Type().Field(i).Name; part.Field(i).IsZero() && !slices.Contains(optional, field) {
					t.Errorf("%s has no %s", k.name, field)
				}
			}
		}
		if id := k.layout.single[0]; id.field != fieldID || !id.required {
			t.Errorf("%s: the first column is %+v", k.name, id)
		}
	}
	exported := slices.Concat(names, []string{string(Licenses), string(PhonesOf)})
	for _, e := range []struct {
		of   reflect.Type
		want []string
	}{
		{reflect.TypeFor[View](), names},
		{reflect.TypeFor[importBody](), names},
		{reflect.TypeFor[templateInput](), names},
		{reflect.TypeFor[listInput](), names},
		{reflect.TypeFor[ExportView](), exported},
		{reflect.TypeFor[exportBody](), exported},
	} {
		field, _ := e.of.FieldByName("Kind")
		if got := strings.Split(field.Tag.Get("enum"), ","); !slices.Equal(got, e.want) {
			t.Errorf("%s lists the kinds %v, want %v", e.of, got, e.want)
		}
	}
}

// Every field of a kind has words for a message.
func TestEveryColumnHasWords(t *testing.T) {
	for _, k := range kinds() {
		for _, h := range slices.Concat(k.layout.single, k.layout.lists) {
			if said[h.field] == "" && h.field != fieldID && h.field != fieldActive {
				t.Errorf("%s: %s has no words", k.name, h.header)
			}
		}
	}
}
