package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
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

// ReadWrite is a thing that is read and written whole. What is read can be written back
// (requirements, section 6): B, what PUT takes, has every field of V, what GET answers; those that
// only GET decides bear the tag readOnly, and must equal what is there when they are sent. P names
// the thing: it is the input of GET.
//
// A value that is sent as it is stored is never judged by a newer rule: of the schema of B, this
// file sees to that; of all other rules, Write does, which is also what writes nothing when nothing
// changes.
type ReadWrite[P, B, V any] struct {
	// Read answers as GET does.
	Read func(ctx context.Context, c *call.Call, at *P) (*Tagged[V], error)
	// Write answers as PUT does.
	Write func(ctx context.Context, c *call.Call, at *P, sent Sent[B]) (*Tagged[V], error)
	// New is what a thing that is not there yet says of itself, for the read-only fields of a PUT
	// that makes it; nil when PUT makes nothing.
	New func(at *P) V
	// Keeps are the fields that stay as they are when a PUT leaves them out. A PATCH leaves them
	// out too unless it names them, so that it changes nothing that was changed by others
	// meanwhile.
	Keeps []string
}

// Sent is the body of a PUT, or what a PATCH makes of it.
type Sent[B any] struct {
	Body  B
	names map[string]any
	patch map[string]any // of a PATCH: what it names itself
}

// Has says whether the field was sent, be it as null.
func (s Sent[B]) Has(name string) bool {
	_, ok := s.names[name]
	return ok
}

// Named says whether whoever calls named the field: in the body of a PUT, or in the patch.
func (s Sent[B]) Named(name string) bool {
	if s.patch == nil {
		return s.Has(name)
	}
	_, ok := s.patch[name]
	return ok
}

// RegisterGet adds the operation that reads the resource.
func RegisterGet[P, B, V any](k *Router, op Operation, r ReadWrite[P, B, V]) {
	op.Method = http.MethodGet
	Register(k, op, r.Read)
}

// RegisterPut adds the operation that writes the resource.
func RegisterPut[P, B, V any](k *Router, op Operation, r ReadWrite[P, B, V]) {
	op.Method = http.MethodPut
	k.add(op, func(g *group) { registerPut(g, op, r) })
}

// registerPut is RegisterPut into a group.
func registerPut[P, B, V any](k *group, op Operation, r ReadWrite[P, B, V]) {
	registry := k.schemas()
	ref := registry.Schema(reflect.TypeFor[B](), true, op.ID+"Request")
	rules := rulesOf(registry, ref)
	register(k, op, func(ctx context.Context, c *call.Call, at *P) (*Tagged[V], error) {
		raw := rawBody(ctx)
		members, err := k.members(raw)
		if err != nil {
			return nil, err
		}
		there := lazily(func() (map[string]any, error) { return present(ctx, c, at, r) })
		if err := rules.judge(members, there); err != nil {
			return nil, withRules(err, members, condemned(ctx, c, at, r.Write, members))
		}
		if err := rules.readOnly(members, there); err != nil {
			return nil, err
		}
		sent := Sent[B]{names: members}
		if err := into(raw.data, &sent.Body); err != nil {
			return nil, err
		}
		return r.Write(ctx, c, at, sent)
	}, takes(map[string]*huma.Schema{"application/json": ref}))
}

// condemned writes a body that is refused already, to nowhere.
func condemned[P, B, O any](
	ctx context.Context,
	c *call.Call,
	at *P,
	write func(context.Context, *call.Call, *P, Sent[B]) (*Tagged[O], error),
	members map[string]any,
) func(readable []byte) error {
	return func(readable []byte) error {
		sent := Sent[B]{names: members}
		if err := into(readable, &sent.Body); err != nil {
			return nil //nolint:nilerr // what cannot be read has no rules
		}
		_, err := write(ctx, c.Condemned(), at, sent)
		return err
	}
}

// patchAttempts is how often a PATCH reads again a thing that others keep changing.
const patchAttempts = 50

// RegisterPatch adds the operation that changes what a JSON merge patch (RFC 7396) names of the
// resource: a PUT of what GET says with that changed.
func RegisterPatch[P, B, V any](k *Router, op Operation, r ReadWrite[P, B, V]) {
	RegisterPatchOf(k, op, r.Read, r.Write, r.Keeps...)
}

// RegisterPatchOf is RegisterPatch of a part: read tells the part and the entity tag of the whole,
// and write answers with the whole.
func RegisterPatchOf[P, B, V, O any](
	k *Router, op Operation, read func(context.Context, *call.Call, *P) (*Tagged[V], error),
	write func(context.Context, *call.Call, *P, Sent[B]) (*Tagged[O], error), keeps ...string,
) {
	op.Method = http.MethodPatch
	k.add(op, func(g *group) { registerPatch(g, op, patching[P, B, V, O]{read: read, write: write, keeps: keeps}) })
}

// patching is how a PATCH reads and writes its thing.
type patching[P, B, V, O any] struct {
	read  func(context.Context, *call.Call, *P) (*Tagged[V], error)
	write func(context.Context, *call.Call, *P, Sent[B]) (*Tagged[O], error)
	// keeps are those of ReadWrite.
	keeps []string
	// rules are those of the whole body, as PUT takes it.
	rules rules
}

// registerPatch is RegisterPatchOf into a group.
func registerPatch[P, B, V, O any](k *group, op Operation, p patching[P, B, V, O]) {
	registry := k.schemas()
	ref := registry.Schema(reflect.TypeFor[B](), true, op.ID+"Request")
	p.rules = rulesOf(registry, ref)
	patches := rulesOf(registry, patchOf(registry, ref))
	register(k, op, func(ctx context.Context, c *call.Call, at *P) (*Tagged[O], error) {
		patch, err := k.members(rawBody(ctx))
		if err != nil {
			return nil, err
		}
		there := lazily(func() (map[string]any, error) {
			_, members, err := p.present(ctx, c, at)
			return members, err
		})
		if err := patches.judge(patch, there); err != nil {
			before, unread := there()
			if unread != nil {
				return nil, err
			}
			merged := p.rules.merged(before, patch, p.keeps)
			return nil, withRules(err, merged, condemned(ctx, c, at, p.write, merged))
		}
		for range patchAttempts {
			out, err := p.once(ctx, c, at, patch)
			if c.IfMatch != "" || !problem.Is(err, problem.PreconditionFailed) {
				return out, err
			}
		}
		return nil, problem.New(problem.TooBusy, "Others are changing the same things; try again.")
	}, takes(map[string]*huma.Schema{MergePatch: patches.ref, "application/json": patches.ref}))
}

// present reads the thing, with its entity tag, as the call's If-Match demands it.
//
// Errors: those of read; precondition-failed.
func (p patching[P, B, V, O]) present(
	ctx context.Context, c *call.Call, at *P,
) (tag string, members map[string]any, err error) {
	now, err := p.read(ctx, c, at)
	if err != nil {
		return "", nil, err
	}
	if err := c.MatchesTag(now.ETag); err != nil {
		return "", nil, err
	}
	members, err = membersOf(now.Body)
	return now.ETag, members, err
}

// once writes the thing as the patch changes it, unless others change it meanwhile.
//
// Errors: validation; precondition-failed; those of read and write.
func (p patching[P, B, V, O]) once(
	ctx context.Context, c *call.Call, at *P, patch map[string]any,
) (*Tagged[O], error) {
	tag, before, err := p.present(ctx, c, at)
	if err != nil {
		return nil, err
	}
	there := func() (map[string]any, error) { return before, nil }
	if err := p.rules.readOnly(only(merge(before, patch), patch), there); err != nil {
		return nil, err
	}
	merged := p.rules.merged(before, patch, p.keeps)
	if err := p.rules.judge(merged, there); err != nil {
		return nil, withRules(err, merged, condemned(ctx, c, at, p.write, merged))
	}
	data, err := call.Encode(merged)
	if err != nil {
		return nil, err
	}
	sent := Sent[B]{names: merged, patch: patch}
	if err := into(data, &sent.Body); err != nil {
		return nil, err
	}
	step := *c
	step.IfMatch = tag
	return p.write(ctx, &step, at, sent)
}

// MergePatch is the media type of RFC 7396.
const MergePatch = "application/merge-patch+json"

// takes makes an operation read its body as it is: huma checks that there is one, and this file
// what is in it.
func takes(content map[string]*huma.Schema) func(*huma.Operation) {
	return func(h *huma.Operation) {
		h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for media, schema := range content {
			h.RequestBody.Content[media] = &huma.MediaType{Schema: schema}
		}
		h.SkipValidateBody = true
		limit := h.MaxBodyBytes
		h.Middlewares = append(h.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
			r, w := humago.Unwrap(ctx)
			data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
			if err == nil { // else huma meets the same error
				r.Body = io.NopCloser(bytes.NewReader(data))
				ctx = huma.WithValue(ctx, bodyKey{}, body{media: ctx.Header("Content-Type"), data: data})
			} else {
				r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{err}))
			}
			next(ctx)
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type bodyKey struct{}

type body struct {
	media string
	data  []byte
}

func rawBody(ctx context.Context) body {
	b, _ := ctx.Value(bodyKey{}).(body)
	return b
}

// members reads a body that must be a JSON object.
//
// Errors: malformed-body, unsupported-media-type, validation.
func (k *group) members(b body) (map[string]any, error) {
	if b.media == "" {
		b.media = "application/json"
	}
	var value any
	if err := k.api.Unmarshal(b.media, b.data, &value); err != nil {
		slug := problem.MalformedBody
		if errors.Is(err, huma.ErrUnknownContentType) {
			slug = problem.UnsupportedMediaType
		}
		p := problem.New(slug, statusDetails[slug])
		p.Fields = []problem.Field{{Field: "body", Code: problem.WrongType, Message: "must be a JSON object"}}
		return nil, p
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, problem.Invalid("body", problem.WrongType, "must be a JSON object")
	}
	return members, nil
}

// into decodes a body that fits its schema.
func into(data []byte, to any) error {
	if err := json.Unmarshal(data, to); err != nil {
		return problem.Validation(misfit("body", err.Error()))
	}
	return nil
}

// membersOf is a value as the members of the JSON object that it becomes.
func membersOf(value any) (map[string]any, error) {
	data, err := call.Encode(value)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	err = json.Unmarshal(data, &members)
	return members, err //nolint:wrapcheck // of our own encoding
}

// present is what GET says of the resource, or what is said of one that is not there yet.
func present[P, B, V any](ctx context.Context, c *call.Call, at *P, r ReadWrite[P, B, V]) (map[string]any, error) {
	now, err := r.Read(ctx, c, at)
	switch {
	case problem.Is(err, problem.NotFound) && r.New != nil:
		if err := c.MatchesTag(""); err != nil {
			return nil, err
		}
		return membersOf(r.New(at))
	case err != nil:
		return nil, err
	}
	if err := c.MatchesTag(now.ETag); err != nil {
		return nil, err // who sends what they read of another version is told so, not that it differs
	}
	return membersOf(now.Body)
}

// lazily calls read once, and only when it is wanted.
func lazily(read func() (map[string]any, error)) func() (map[string]any, error) {
	var members map[string]any
	return func() (map[string]any, error) {
		if members != nil {
			return members, nil
		}
		var err error
		members, err = read()
		return members, err
	}
}

// merge is a JSON merge patch (RFC 7396) applied to an object, which stays as it is.
func merge(target, patch map[string]any) map[string]any {
	out := maps.Clone(target)
	if out == nil {
		out = map[string]any{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(out, name)
		case map[string]any:
			below, _ := out[name].(map[string]any)
			out[name] = merge(below, value)
		default:
			out[name] = value
		}
	}
	return out
}

// only is the members that others name; one that is gone is null.
func only(members, names map[string]any) map[string]any {
	out := make(map[string]any, len(names))
	for name := range names {
		out[name] = members[name]
	}
	return out
}

// merged is the body of the PUT that a patch stands for.
func (r rules) merged(before, patch map[string]any, keeps []string) map[string]any {
	merged := merge(before, patch)
	for name := range merged {
		_, named := patch[name]
		if r.schema.Properties[name] == nil || r.schema.Properties[name].ReadOnly ||
			!named && slices.Contains(keeps, name) {
			delete(merged, name)
		}
	}
	for name, value := range patch {
		if property := r.schema.Properties[name]; value == nil && property != nil && !property.ReadOnly {
			merged[name] = nil // a PUT that leaves it out may keep it
		}
	}
	return merged
}

// rules are what the schema of a body says of it.
type rules struct {
	registry    huma.Registry
	ref, schema *huma.Schema
}

func rulesOf(registry huma.Registry, ref *huma.Schema) rules {
	schema := ref
	for schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	schema.PrecomputeMessages()
	return rules{registry: registry, ref: ref, schema: schema}
}

// judge finds what is wrong with a body. Values that are there already, by the members that there
// returns, are not judged.
//
// Errors: validation; those of there.
func (r rules) judge(members map[string]any, there func() (map[string]any, error)) error {
	faults := bodyFaults(r.registry, r.schema, members)
	if len(faults) == 0 {
		return nil
	}
	now, err := there()
	if err != nil && !problem.Is(err, problem.NotFound) {
		return err
	}
	faults = slices.DeleteFunc(faults, func(f problem.Field) bool {
		name := f.Field
		if end := strings.IndexAny(name, ".["); end >= 0 {
			name = name[:end]
		}
		was, is := now[name]
		sent, given := members[name]
		return is && given && reflect.DeepEqual(was, sent)
	})
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b problem.Field) int { return strings.Compare(a.Field, b.Field) })
	return problem.Validation(faults...)
}

// readOnly demands that the read-only fields among the members equal what there returns.
//
// Errors: read-only, which names them; those of there.
func (r rules) readOnly(members map[string]any, there func() (map[string]any, error)) error {
	var faults []problem.Field
	for _, name := range slices.Sorted(maps.Keys(members)) {
		property := r.schema.Properties[name]
		if property == nil || !property.ReadOnly {
			continue
		}
		now, err := there()
		if err != nil {
			return err
		}
		if was := now[name]; !reflect.DeepEqual(was, members[name]) && (was != nil || !empty(members[name])) {
			faults = append(
				faults,
				problem.Field{
					Field:   name,
					Code:    problem.Unwritable,
					Message: "is read only and differs from what is there",
				},
			)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return problem.Fixed(faults...)
}

// empty says whether a value is one that GET leaves out.
func empty(value any) bool {
	switch value := value.(type) {
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	case bool:
		return !value
	}
	return value == "" || value == 0.0
}

// nulls finds every null in a value where the schema has none: huma lets it pass for a field that
// may be left out, and it would mean something else by accident.
func nulls(registry huma.Registry, schema *huma.Schema, at string, value any) []problem.Field {
	for schema != nil && schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	if schema == nil {
		return nil
	}
	var faults []problem.Field
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			property := schema.Properties[name]
			if property == nil {
				continue
			}
			below := at + name
			if value[name] != nil {
				faults = append(faults, nulls(registry, property, below+".", value[name])...)
			} else if !property.Nullable && !slices.Contains(schema.Required, name) {
				// of a required one, the schema says it
				faults = append(
					faults,
					problem.Field{
						Field:   below,
						Code:    problem.WrongType,
						Message: "must not be null; leave it out instead",
					},
				)
			}
		}
	case []any:
		for i, item := range value {
			if item != nil && schema.Items != nil {
				faults = append(
					faults,
					nulls(registry, schema.Items, strings.TrimSuffix(at, ".")+"["+strconv.Itoa(i)+"].", item)...,
				)
			}
		}
	}
	return faults
}

// patchOf is the schema of a merge patch for what a schema describes: every field may be left out,
// and null takes away what may be away.
func patchOf(registry huma.Registry, ref *huma.Schema) *huma.Schema {
	schema := ref
	for schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	patch := *schema
	patch.Required = nil
	name := strings.TrimSuffix(strings.TrimPrefix(ref.Ref, schemaPrefix), "Body") + "Patch"
	registry.Map()[name] = &patch
	return &huma.Schema{Ref: schemaPrefix + name}
}
