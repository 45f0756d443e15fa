package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// A request's faults are told all at once (requirements, section 10): those that its schema finds, and those that
// only the rules of the operation find, such as a product that the catalog does not know. So the
// rules are asked about a body too that its schema refuses, with a call of which nothing is
// committed.

// unjudged are faults of a schema after which the rules are not asked: the body may be far larger
// than they are made for.
var unjudged = []problem.Code{problem.TooMany}

// beyond are what rules find that may only follow from a field that could not be read, such as a
// number without its extension where the extension was of a wrong type.
var beyond = []problem.Code{problem.NotTogether, problem.Mismatch, problem.Required}

// withRules adds to the faults that a schema found those that the rules find in the same body.
// apply carries the use case out on the body without what cannot be read.
func withRules(err error, body map[string]any, apply func(readable []byte) error) error {
	refused, ok := problem.From(err)
	if !ok || refused.Slug != problem.ValidationFailed {
		return err
	}
	faults, partly := slices.Clone(refused.Fields), false
	for _, f := range faults {
		if slices.Contains(unjudged, f.Code) {
			return err
		}
		if f.Code == problem.WrongType {
			if partly = true; !remove(body, f.Field) {
				return err
			}
		}
	}
	data, encoded := call.Encode(body)
	if encoded != nil {
		return err
	}
	more, ok := problem.From(apply(data))
	if !ok || more.Slug != problem.ValidationFailed {
		return err
	}
	for _, f := range more.Fields {
		told := slices.ContainsFunc(refused.Fields, func(known problem.Field) bool {
			return f.Field == known.Field || strings.HasPrefix(f.Field, known.Field+".") ||
				strings.HasPrefix(f.Field, known.Field+"[")
		})
		if !told && !(partly && slices.Contains(beyond, f.Code)) {
			faults = append(faults, f)
		}
	}
	slices.SortStableFunc(faults, func(a, b problem.Field) int { return strings.Compare(a.Field, b.Field) })
	return problem.Validation(faults...)
}

// remove takes a member out of a body, by its place such as lines[0].quantity. An element of a list
// stays, since those behind it would have other places then.
func remove(body map[string]any, place string) bool {
	parent, name := any(body), place
	if end := strings.LastIndexByte(place, '.'); end >= 0 {
		name = place[end+1:]
		for step := range strings.SplitSeq(strings.NewReplacer("[", ".", "]", "").Replace(place[:end]), ".") {
			switch at := parent.(type) {
			case map[string]any:
				parent = at[step]
			case []any:
				i, err := strconv.Atoi(step)
				if err != nil || i < 0 || i >= len(at) {
					return false
				}
				parent = at[i]
			default:
				return false
			}
		}
	}
	members, ok := parent.(map[string]any)
	if _, there := members[name]; !ok || !there {
		return false
	}
	delete(members, name)
	return true
}

// bodyFaults are what the schema of a body finds in it, and every null where the schema has none.
func bodyFaults(registry huma.Registry, schema *huma.Schema, value any) []problem.Field {
	for schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	var found huma.ValidateResult
	path := huma.NewPathBuffer(nil, 0)
	path.Push("body")
	huma.Validate(registry, schema, path, huma.ModeWriteToServer, value, &found)
	var faults []problem.Field
	for _, err := range found.Errors {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			faults = append(faults, fault(detail))
		}
	}
	return append(faults, nulls(registry, schema, "", value)...)
}

// judged refuses the body of a POST that its schema refuses, with what the rules of the operation
// find in it too; rules is nil for an operation whose rules are not asked. What has other faults
// too, of its query or of its JSON, is left to huma.
//
// Errors: validation.
func judged(
	ctx huma.Context, registry huma.Registry, schema *huma.Schema, limit int64, rules func(readable []byte) error,
) error {
	r, w := humago.Unwrap(ctx)
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{err}))
		return nil //nolint:nilerr // huma meets the same fault, and tells it
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	var value any
	if json.Unmarshal(data, &value) != nil || r.URL.RawQuery != "" {
		return nil //nolint:nilerr // huma tells what cannot be read
	}
	body, object := value.(map[string]any)
	if !object {
		return nil
	}
	faults := bodyFaults(registry, schema, value)
	if len(faults) == 0 {
		return nil
	}
	refused := problem.Validation(faults...)
	if rules == nil {
		return refused
	}
	return withRules(refused, body, rules)
}

// condemnedPost carries out a POST whose body is refused already, to nowhere.
func condemnedPost[I, O any](
	ctx huma.Context, c *call.Call, handler func(context.Context, *call.Call, *I) (*O, error),
) func(readable []byte) error {
	return func(readable []byte) error {
		in := new(I)
		if !fill(reflect.ValueOf(in).Elem(), ctx, readable) {
			return nil
		}
		_, err := handler(ctx.Context(), c.Condemned(), in)
		return err
	}
}

// fill reads an input's parameters of the path, and its body.
func fill(in reflect.Value, ctx huma.Context, body []byte) bool {
	for i := range in.NumField() {
		field := in.Type().Field(i)
		name, path := field.Tag.Lookup("path")
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			if !fill(in.Field(i), ctx, body) {
				return false
			}
		case path && field.Type.Kind() == reflect.String:
			in.Field(i).SetString(ctx.Param(name))
		case field.Name == "Body":
			if json.Unmarshal(body, in.Field(i).Addr().Interface()) != nil {
				return false
			}
		}
	}
	return true
}
