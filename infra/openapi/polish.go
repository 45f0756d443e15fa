package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/shared/platform/problem"
)

const (
	schemaRef    = "#/components/schemas/"
	parameterRef = "#/components/parameters/"
	responseRef  = "#/components/responses/"
)

type node = map[string]any // an object of the document

// Polished is the document as it is published: what huma made of the code, with good names, words
// for every property, examples of bodies, what the gateway adds, and each thing said once. faults
// names every word that is missing, or that nothing needs any more; a test wants none.
func Polished(document *huma.OpenAPI) (polished []byte, faults []string, err error) {
	raw, err := json.Marshal(document)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the document: %w", err)
	}
	var doc node
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, nil, fmt.Errorf("read the document: %w", err)
	}
	p := &polish{doc: doc, schemas: at(doc, "components", "schemas"), used: map[string]bool{}}
	nullables(p.schemas)
	p.rename()
	p.describe()
	p.head()
	p.operations()
	p.share()
	p.prune()
	if polished, err = json.Marshal(doc); err != nil {
		return nil, nil, fmt.Errorf("encode the document: %w", err)
	}
	slices.Sort(p.faults)
	return polished, slices.Compact(p.faults), nil
}

// nullables says in the document's own way of a property that is another schema or null: huma gives
// such a reference a type without a name.
func nullables(v any) {
	switch v := v.(type) {
	case node:
		for _, below := range v {
			nullables(below)
		}
		if types, ok := v["type"].([]any); ok && v["$ref"] != nil && slices.Contains(types, any("null")) {
			v["anyOf"] = []any{node{"$ref": v["$ref"]}, node{"type": "null"}}
			delete(v, "$ref")
			delete(v, "type")
		}
	case []any:
		for _, below := range v {
			nullables(below)
		}
	}
}

type polish struct {
	doc, schemas node
	used         map[string]bool // keys of the tables of words that something needed
	faults       []string
}

func (p *polish) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

func at(n node, keys ...string) node {
	for _, key := range keys {
		n, _ = n[key].(node)
	}
	return n
}

// each visits every operation.
func (p *polish) each(visit func(path, method string, op node)) {
	paths := at(p.doc, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := at(paths, path)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			visit(path, method, at(item, method))
		}
	}
}

// prune takes away schemas that nothing refers to, such as the one that a PATCH derives its own
// from.
func (p *polish) prune() {
	for {
		referred := map[string]bool{}
		references(p.doc, referred)
		before := len(p.schemas)
		maps.DeleteFunc(p.schemas, func(name string, _ any) bool { return !referred[schemaRef+name] })
		if len(p.schemas) == before {
			return
		}
	}
}

// references gathers every reference below a value.
func references(v any, found map[string]bool) {
	switch v := v.(type) {
	case node:
		if ref, ok := v["$ref"].(string); ok {
			found[ref] = true
		}
		for _, below := range v {
			references(below, found)
		}
	case []any:
		for _, below := range v {
			references(below, found)
		}
	}
}

// rename names bodies after their operations and everything else after what a client calls it.
func (p *polish) rename() {
	names := maps.Clone(schemaNames)
	p.each(func(_, _ string, op node) {
		for _, media := range at(op, "requestBody", "content") {
			name, ok := strings.CutPrefix(text(at(obj(media), "schema")["$ref"]), schemaRef)
			if ok && names[name] == "" {
				names[name] = pascal(text(op["operationId"])) + "Request"
			}
		}
	})
	renamed := node{}
	for name, schema := range p.schemas {
		to := names[name]
		if to == "" {
			to = name
		}
		list, ok := strings.CutPrefix(name, "List")
		if ok && names[name] == "" &&
			at(obj(schema), "properties")["items"] != nil {
			element := names[list]
			if element == "" {
				element = list
			}
			to = element + "Page"
			names[name] = to
		}
		if renamed[to] != nil {
			p.fault("two schemas are called %s; name one of them in schemaNames", to)
		}
		renamed[to] = schema
	}
	at(p.doc, "components")["schemas"] = renamed
	p.schemas = renamed
	walk(p.doc, func(n node) {
		if name, ok := strings.CutPrefix(text(n["$ref"]), schemaRef); ok && names[name] != "" {
			n["$ref"] = schemaRef + names[name]
		}
	})
}

func pascal(id string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(id, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// obj, list and text are values of the document as what they are; none where they are something
// else.
func obj(v any) node {
	n, _ := v.(node)
	return n
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// walk visits every object of a document.
func walk(v any, visit func(node)) {
	switch v := v.(type) {
	case node:
		visit(v)
		for _, child := range v {
			walk(child, visit)
		}
	case []any:
		for _, child := range v {
			walk(child, visit)
		}
	}
}

// describe says of every property what it is, and lists the values of those that have few.
func (p *polish) describe() {
	for _, name := range slices.Sorted(maps.Keys(p.schemas)) {
		properties := at(p.schemas, name, "properties")
		for _, property := range slices.Sorted(maps.Keys(properties)) {
			schema := at(properties, property)
			if schema["description"] == nil {
				words := word(propertyWords, name+"."+property, property)
				if words == "" {
					p.fault("%s.%s has no description: write a doc tag, or enter it in propertyWords", name, property)
				}
				if words != "" {
					schema["description"] = words
				}
			}
			// Generators of clients take a default for a promise that the field is always there, in
			// requests too; so it is said in words.
			if value, ok := schema["default"]; ok {
				delete(schema, "default")
				schema["description"] = fmt.Sprintf("%s %v if it is left out.", text(schema["description"]), value)
			}
			target := schema
			if items := at(schema, "items"); items != nil && items["type"] == "string" {
				target = items
			}
			if values := enums[name+"."+property]; values != nil {
				p.used["enums "+name+"."+property] = true
				if target["enum"] == nil {
					target["enum"] = values
				}
			}
		}
	}
	p.each(func(path, _ string, op node) {
		parameters, _ := op["parameters"].([]any)
		for _, parameter := range parameters {
			parameter := obj(parameter)
			if text(parameter["description"]) != "" {
				continue
			}
			segments := strings.Split(path, "/")
			key := text(parameter["name"])
			for i, segment := range segments {
				if segment == "{"+key+"}" && i > 0 {
					key = segments[i-1] + "/" + key
				}
			}
			words := word(parameterWords, text(op["operationId"])+" "+text(parameter["name"]), key)
			if words == "" {
				p.fault(
					"the parameter %s of %s has no description: write a doc tag, or enter it in parameterWords",
					key,
					op["operationId"],
				)
			}
			parameter["description"] = words
		}
	})
	for name := range enums {
		if !p.used["enums "+name] {
			p.fault("enums has %s, which is no property", name)
		}
	}
}

func word(table map[string]string, keys ...string) string {
	for _, key := range keys {
		if words := table[key]; words != "" {
			return words
		}
	}
	return ""
}

// head says what holds of the whole: where it is served, what the gateway answers itself, and the
// codes of field errors.
func (p *polish) head() {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("\n## Codes of field errors\n\n| `errors[].code` | what it tells of the field |\n|---|---|\n")
	for _, code := range problem.Codes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", code, code.Meaning())
	}
	b.WriteString("\n## Kinds of problems\n\n| `type` | status | title |\n|---|---|---|\n")
	slugs := problem.Slugs()
	slices.Sort(slugs)
	for _, slug := range slugs {
		one := problem.New(slug, "")
		fmt.Fprintf(&b, "| `urn:seatwise:problem:%s` | %d | %s |\n", slug, one.Status(), one.Title())
	}
	info := at(p.doc, "info")
	info["description"] = b.String()
	info["license"] = node{"name": "Proprietary", "identifier": "LicenseRef-Seatwise"}
	p.doc["servers"] = []any{
		node{"url": "http://127.0.0.1:3000", "description": "On one machine (`make run`)."},
		node{
			"url":         "https://{host}{basePath}",
			"description": "In AWS: the output ApiUrl of the stack, or a custom domain with its base path.",
			"variables": node{
				"host": node{"default": "localhost", "description": "The host of the API."},
				"basePath": node{
					"default":     "",
					"description": "The base path of a custom domain, such as /seatwise; empty without one.",
				},
			},
		},
	}
	tags := map[string]bool{}
	p.each(func(_, _ string, op node) {
		for _, tag := range list(op["tags"]) {
			tags[text(tag)] = true
		}
	})
	var list []any
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		words := tagWords[tag]
		if words == "" {
			p.fault("the tag %s has no description: enter it in tagWords", tag)
		}
		list = append(list, node{"name": tag, "description": words})
	}
	p.doc["tags"] = list
	schema := at(p.schemas, "FieldError", "properties", "code")
	var codes []any
	for _, code := range problem.Codes() {
		codes = append(codes, string(code))
	}
	schema["enum"] = codes
}

// operations adds what no operation says of itself: the gateway's 429, Retry-After, examples of
// bodies.
func (p *polish) operations() {
	retry := node{"Retry-After": node{
		"description": "Seconds after which to try again.", "schema": node{"type": "integer", "minimum": 1},
	}}
	p.each(func(_, _ string, op node) {
		if op["security"] == nil {
			op["security"] = []any{} // nobody needs a token, which is not the same as saying nothing
		}
		responses := at(op, "responses")
		for status, response := range responses {
			response := obj(response)
			if status == "503" {
				response["headers"] = retry
			}
			if words := statusWords[status]; words != "" {
				response["description"] = words
			}
		}
		responses["429"] = node{
			"description": statusWords["429"], "headers": retry,
			"content": node{
				"application/problem+json": node{"schema": node{"$ref": schemaRef + "Problem"}},
				"application/json": node{"schema": node{
					"type": "object", "description": "The gateway's own form, not a problem.",
					"properties": node{"message": node{"type": "string", "description": "What the gateway says."}},
				}},
			},
		}
		id := text(op["operationId"])
		if words := untouched[id]; words != "" {
			op["description"] = text(op["description"]) + " " + words
		}
		for _, media := range at(op, "requestBody", "content") {
			media := obj(media)
			media["example"] = p.example(id, "", at(media, "schema"))
		}
	})
}

// example makes a value of a schema, from the examples of its properties: of all that the operation
// takes.
func (p *polish) example(operation, property string, schema node) any {
	if name, ok := strings.CutPrefix(text(schema["$ref"]), schemaRef); ok {
		schema = at(p.schemas, name)
	}
	for _, key := range []string{operation + "." + property, property} {
		if example, ok := examples[key]; ok {
			return example
		}
	}
	if values, ok := schema["enum"].([]any); ok {
		return values[0]
	}
	if properties := at(schema, "properties"); properties != nil {
		value := node{}
		for name, schema := range properties {
			if fixed, _ := obj(schema)["readOnly"].(bool); fixed { // a request need not send it
				continue
			}
			if made := p.example(operation, name, obj(schema)); made != nil {
				value[name] = made
			}
		}
		return value
	}
	if items := at(schema, "items"); items != nil {
		if made := p.example(operation, property+"[]", items); made != nil {
			return []any{made}
		}
		return nil
	}
	if schema["type"] == "boolean" {
		return true
	}
	p.fault("the property %s of the body of %s has no example: enter it in examples", property, operation)
	return nil
}

// share says parameters and answers that several operations have once, in the components.
func (p *polish) share() {
	type found struct {
		value any
		count int
	}
	parameters, responses := map[string][]*found{}, map[string][]*found{}
	count := func(all map[string][]*found, name string, value any) {
		for _, f := range all[name] {
			if reflect.DeepEqual(f.value, value) {
				f.count++
				return
			}
		}
		all[name] = append(all[name], &found{value, 1})
	}
	common := func(all map[string][]*found, name string, value any) bool {
		most := slices.MaxFunc(all[name], func(a, b *found) int { return a.count - b.count })
		return most.count > 1 && reflect.DeepEqual(most.value, value)
	}
	visit := func(do func(parameter *any, name string), answer func(responses node, status string)) {
		p.each(func(_, _ string, op node) {
			list, _ := op["parameters"].([]any)
			for i := range list {
				parameter := obj(list[i])
				name := text(parameter["name"])
				do(&list[i], pascal(strings.ToLower(name[:1])+name[1:]+"-"+text(parameter["in"])))
			}
			all := at(op, "responses")
			for status := range maps.Clone(all) {
				if status >= "400" {
					answer(all, status)
				}
			}
		})
	}
	visit(func(parameter *any, name string) { count(parameters, name, *parameter) },
		func(all node, status string) { count(responses, status, all[status]) })
	sharedParameters, sharedResponses := node{}, node{}
	visit(func(parameter *any, name string) {
		if common(parameters, name, *parameter) {
			sharedParameters[name] = *parameter
			*parameter = node{"$ref": parameterRef + name}
		}
	}, func(all node, status string) {
		if common(responses, status, all[status]) {
			name := responseNames[status]
			if name == "" {
				p.fault("the answer %s has no name: enter it in responseNames", status)
			}
			sharedResponses[name] = all[status]
			all[status] = node{"$ref": responseRef + name}
		}
	})
	components := at(p.doc, "components")
	components["parameters"], components["responses"] = sharedParameters, sharedResponses
}
