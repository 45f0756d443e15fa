package sheet

import (
	"errors"
	"path"
	"strings"
)

// The two name spaces of a workbook: that of nearly all files, and that of "Strict Open XML".
const (
	spaceMain         = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	spaceMainStrict   = "http://purl.oclc.org/ooxml/spreadsheetml/main"
	spaceRelations    = "http://schemas.openxmlformats.org/package/2006/relationships"
	spaceContentTypes = "http://schemas.openxmlformats.org/package/2006/content-types"

	// The beginnings of the kinds of relations, and the name spaces of their ids.
	spaceOffice       = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	spaceOfficeStrict = "http://purl.oclc.org/ooxml/officeDocument/relationships"

	typeWorkbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

	contentTypes = "[Content_Types].xml"
)

// relation is one arrow from a part to another, or to something outside.
type relation struct {
	// the last segment of its type, where that is one of the format's: "worksheet",
	// "sharedStrings", ...
	kind     string
	base     string // the last segment of its type, whoever has made that up
	target   string // the name of the part
	external bool
}

const (
	// maxRelations and maxTypes bound what is kept of a part that lists others.
	maxRelations = 10_000
	maxTypes     = 4 * maxParts
	// maxAddress is how long the name of a part, or of its type, may be.
	maxAddress = 2048
)

// officeKind returns the kind of a relation by its type, of the two that the format has for each.
func officeKind(kind string) string {
	for _, space := range []string{spaceOffice, spaceOfficeStrict} {
		if rest, ok := strings.CutPrefix(kind, space+"/"); ok && !strings.Contains(rest, "/") {
			return rest
		}
	}

	return ""
}

// openXLSX verifies a workbook.
func (rd *Reader) openXLSX(src *source) error {
	a, err := openArchive(src, rd.limits)
	if err != nil {
		return err
	}
	if err := checkNames(a); err != nil {
		return err
	}
	types, err := readContentTypes(a)
	if err != nil {
		return err
	}
	book, relations, err := findWorkbook(a, types)
	if err != nil {
		return err
	}
	name, id, err := visibleSheet(a, book)
	if err != nil {
		return err
	}
	rd.sheet = shown(name)
	worksheet, err := sheetPart(a, relations, id)
	if err != nil {
		return rd.inSheet(err)
	}
	texts, err := textsPart(a, relations)
	if err != nil {
		return err
	}
	// Parts that are not used are verified before the two big ones are scanned, so that a damaged
	// file is called damaged.
	if err := a.verifyRest(types, worksheet, texts); err != nil {
		return err
	}
	if texts != nil {
		if rd.texts, err = readTexts(a, texts); err != nil {
			return err
		}
	}
	if styles := stylesPart(a, relations); styles != nil {
		if rd.formats, err = readFormats(a, styles); err != nil {
			return err
		}
	}
	if rd.rows, err = rd.verifySheet(a, worksheet); err != nil {
		return err
	}
	if rd.rows == 0 {
		return rd.inSheet(refuse(ReasonEmpty, "The sheet is empty."))
	}
	rd.pass = func(visit func(Row) error) (int, error) { return rd.scanSheet(a, worksheet, visit) }

	return nil
}

// inSheet adds the name of the sheet to a refusal.
func (rd *Reader) inSheet(err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		refusal.Sheet = rd.sheet
	}

	return err
}

// readPart scans one XML part. A fault in the XML of a part that is damaged as a whole is reported
// as the damage.
func readPart(a *archive, e *entry, read func(*scanner) error) error {
	p := a.open(e)
	s := newScanner(p, e.name)
	err := read(s)
	if err == nil {
		err = s.finish()
	}
	var refusal *Refusal
	if errors.As(err, &refusal) && p.err == nil {
		if damage := p.drain(); damage != nil {
			return damage
		}
	}

	return err
}

// checkNames refuses macros by the names of their parts.
func checkNames(a *archive) error {
	for _, e := range a.entries {
		name := strings.ToLower(e.name)
		base := path.Base(name)
		if strings.HasPrefix(base, "vbaproject") || base == "vbadata.xml" || strings.Contains(name, "/macrosheets/") {
			return refuseMacros()
		}
	}

	return nil
}

func refuseMacros() error {
	return refuse(ReasonMacros,
		"The workbook has macros. Save it as Excel workbook (.xlsx), which leaves the macros out.")
}

// types tells what the parts of a package are, by lower-case name and ending.
type types struct{ byName, byEnding map[string]string }

func (t types) of(name string) string {
	name = strings.ToLower(name)
	if kind, found := t.byName["/"+name]; found {
		return kind
	}

	return t.byEnding[strings.TrimPrefix(path.Ext(name), ".")]
}

func readContentTypes(a *archive) (types, error) {
	t := types{byName: map[string]string{}, byEnding: map[string]string{}}
	part := a.find(contentTypes)
	if part == nil {
		return t, notAWorkbook(describePackage(a))
	}
	err := readPart(a, part, func(s *scanner) error {
		if err := s.root("Types", spaceContentTypes); err != nil {
			return err
		}

		return s.children(func() error {
			kind := s.attribute("ContentType")
			var key string
			var into map[string]string
			switch string(s.local()) {
			case "Default":
				key, into = s.attribute("Extension"), t.byEnding
			case "Override":
				key, into = s.attribute("PartName"), t.byName
			default:
				return s.bad("is not of a workbook")
			}
			key = strings.ToLower(key)
			if len(key) > maxAddress || len(kind) > maxAddress || len(into) == maxTypes {
				return s.bad("lists more than any workbook has")
			}
			if _, twice := into[key]; twice || key == "" || kind == "" {
				return s.bad("names a part twice, or not at all")
			}
			into[key] = kind

			return s.skip()
		})
	})
	if err != nil {
		return t, err
	}
	for _, e := range a.entries {
		// What a type is declared for counts, not the declaration: excelize declares that of macros
		// in every workbook.
		kind := strings.ToLower(t.of(e.name))
		if strings.Contains(kind, "vbaproject") || strings.Contains(kind, "macrosheet") ||
			strings.Contains(kind, "macroenabled") && !strings.Contains(kind, "sheet.binary") {
			return t, refuseMacros()
		}
	}

	return t, nil
}

// children calls visit for every element directly within the one that begins; visit must read it to
// its end.
func (s *scanner) children(visit func() error) error {
	for {
		t, err := s.next()
		if err != nil || t != tokenStart {
			return err
		}
		if err := visit(); err != nil {
			return err
		}
	}
}

func notAWorkbook(what string) error {
	return refuse(ReasonWrongType, "The name ends in .xlsx, but the file is %s, not an Excel workbook.", what)
}

// describePackage names what else a zip archive can be.
func describePackage(a *archive) string {
	for _, known := range []struct{ part, what string }{
		{"mimetype", "an OpenDocument file or an e-book"},
		{"META-INF/MANIFEST.MF", "a Java archive"},
		{"Index/Document.iwa", "a document of Apple Numbers or Pages"},
		{"AndroidManifest.xml", "an app"},
	} {
		if a.find(known.part) != nil {
			return known.what
		}
	}

	return "another kind of archive (zip)"
}

// findWorkbook follows the package to its workbook.
func findWorkbook(a *archive, t types) (*entry, map[string]relation, error) {
	relations, err := readRelations(a, "")
	if err != nil {
		return nil, nil, err
	}
	target := ""
	for _, r := range relations {
		if r.kind != "officeDocument" {
			continue
		}
		if target != "" {
			return nil, nil, malformed("it claims to be two workbooks in one")
		}
		target = r.target
	}
	part := a.find(target)
	switch kind := strings.ToLower(t.of(target)); {
	case target == "":
		return nil, nil, notAWorkbook("another kind of document")
	case part == nil:
		return nil, nil, missing(target)
	case strings.Contains(kind, "sheet.binary"):
		return nil, nil, notAWorkbook("a binary workbook (.xlsb)")
	case strings.Contains(kind, "template"):
		return nil, nil, notAWorkbook("a template (.xltx)")
	case strings.Contains(kind, "wordprocessingml"):
		return nil, nil, notAWorkbook("a Word document")
	case strings.Contains(kind, "presentationml"):
		return nil, nil, notAWorkbook("a PowerPoint presentation")
	case !strings.EqualFold(kind, typeWorkbook):
		return nil, nil, notAWorkbook("another kind of document")
	}
	relations, err = readRelations(a, part.name)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range relations {
		kind := strings.ToLower(r.base)
		if strings.Contains(kind, "vbaproject") ||
			strings.Contains(kind, "macrosheet") {
			return nil, nil, refuseMacros()
		}
	}

	return part, relations, nil
}

func missing(name string) error {
	return refuse(ReasonMissingPart, "The workbook is damaged: it has no part %q, which it refers to. %s",
		shown(name), saveAgain)
}

// readRelations reads where a part, or the package itself for "", points to.
func readRelations(a *archive, of string) (map[string]relation, error) {
	folder, base := path.Split(of)
	name := folder + "_rels/" + base + ".rels"
	part := a.find(name)
	if part == nil {
		return nil, missing(name)
	}
	relations := map[string]relation{}
	err := readPart(a, part, func(s *scanner) error {
		if err := s.root("Relationships", spaceRelations); err != nil {
			return err
		}

		return s.children(func() error {
			if string(s.local()) != "Relationship" {
				return s.bad("is not of a workbook")
			}
			id := s.attribute("Id")
			kind := s.attribute("Type")
			target := s.attribute("Target")
			mode := s.attribute("TargetMode")
			external := strings.EqualFold(mode, "External")
			if external {
				target = "" // a link, which may be long
			}
			if len(id) > maxAddress || len(kind) > maxAddress || len(target) > maxAddress ||
				len(relations) == maxRelations {
				return s.bad("lists more than any workbook has")
			}
			if _, twice := relations[id]; twice || id == "" {
				return s.bad("has the name of a reference twice, or not at all")
			}
			relations[id] = relation{
				kind:     officeKind(kind),
				base:     path.Base(kind),
				target:   resolve(folder, target),
				external: external,
			}

			return s.skip()
		})
	})

	return relations, err
}

// resolve returns the name of the part that a target means, seen from a folder. What leaves the
// package finds no part.
func resolve(folder, target string) string {
	if strings.HasPrefix(target, "/") {
		return strings.TrimPrefix(path.Clean(target), "/")
	}

	return path.Join(folder, target)
}

// visibleSheet returns the name of the one sheet that is visible and the id of the reference to its
// part. Hidden sheets, such as the lists behind the drop-downs of the sample file, are never read.
func visibleSheet(a *archive, book *entry) (name, id string, err error) {
	var names []string // the first two
	visible := 0
	err = readPart(a, book, func(s *scanner) error {
		if err := s.root("workbook", spaceMain, spaceMainStrict); err != nil {
			return err
		}
		seen := false

		return s.children(func() error {
			switch string(s.local()) {
			case "sheets":
			case "":
				return s.skipForeign("sheets")
			default:
				return s.skip()
			}
			if seen {
				return s.bad("lists its sheets twice")
			}
			seen = true

			return s.children(func() error {
				if string(s.local()) != "sheet" {
					return s.bad("has something else than sheets among them")
				}
				switch state := s.attribute("state"); state {
				case "hidden", "veryHidden":
				case "", "visible":
					if visible++; visible > 2 {
						break
					}
					names = append(names, s.attribute("name"))
					var err error
					if id, err = s.attributeOf("id", spaceOffice, spaceOfficeStrict); err != nil {
						return err
					}
				default:
					return s.bad("has a sheet that is neither visible nor hidden (%q)", shown(state))
				}

				return s.skip()
			})
		})
	})
	switch {
	case err != nil:
		return "", "", err
	case visible == 0:
		return "", "", refuse(ReasonNoSheet, "The workbook has no visible sheet.")
	case visible > 1:
		return "", "", refuse(
			ReasonSheets,
			"The workbook has %d visible sheets (%q, %q%s), so it is not clear which one counts. Delete or hide all but one.",
			visible,
			shown(names[0]),
			shown(names[1]),
			strings.Repeat(", ...", min(1, visible-2)),
		)
	}

	return names[0], id, nil
}

// sheetPart returns the part of the visible sheet.
func sheetPart(a *archive, relations map[string]relation, id string) (*entry, error) {
	r, found := relations[id]
	switch {
	case !found || r.external:
		return nil, missing("worksheet " + id)
	case r.kind != "worksheet":
		return nil, refuse(ReasonNoSheet, "The visible sheet holds no table: it is a chart or a dialog.")
	}
	part := a.find(r.target)
	if part == nil {
		return nil, missing(r.target)
	}

	return part, nil
}

// textsPart returns the part with the shared texts, or nil if the workbook has none.
func textsPart(a *archive, relations map[string]relation) (*entry, error) {
	var part *entry
	for _, r := range relations {
		if r.kind != "sharedStrings" {
			continue
		}
		if part != nil {
			return nil, malformed("it has two lists of shared texts")
		}
		if part = a.find(r.target); part == nil || r.external {
			return nil, missing(r.target)
		}
	}

	return part, nil
}
