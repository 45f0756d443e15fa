package catalogfile

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// shape is what a node is.
type shape int

const (
	text    shape = iota // a scalar that is a string
	whole                // a scalar that is an integer in decimal digits
	boolean              // true or false
	other                // null, or anything that no catalog needs: anchors, tags, floats
	mapping
	list
)

// node is a value of the file.
type node struct {
	line  int // where it begins, from 1
	shape shape
	// scalar is the value of a text, and what is written for any other scalar.
	scalar string
	fields []field
	items  []*node
}

// field is one entry of a mapping. Names in a mapping differ.
type field struct {
	name  string
	line  int
	value *node
}

// readYAML reads a file of one document; nil for one without any. Its error is a *LineError.
func readYAML(data []byte) (*node, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, lineError(err)
	}
	var root *node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.NullType:
		case root != nil:
			return nil, &LineError{
				Line:    doc.Body.GetToken().Position.Line,
				Message: "a catalog is one document, and this begins another",
			}
		default:
			root = nodeOf(doc.Body)
		}
	}
	return root, nil
}

// lineError takes the place out of what the library says.
func lineError(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return &LineError{Line: at.GetToken().Position.Line, Message: at.GetMessage()}
	}
	return &LineError{Message: err.Error()}
}

func nodeOf(n ast.Node) *node {
	out := &node{line: n.GetToken().Position.Line, shape: other, scalar: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.StringNode:
		out.shape, out.scalar = text, n.Value
	case *ast.IntegerNode:
		if n.Token.Type == token.IntegerType {
			out.shape = whole
		}
	case *ast.BoolNode:
		out.shape = boolean
	case *ast.SequenceNode:
		out.shape = list
		for _, item := range n.Values {
			out.items = append(out.items, nodeOf(item))
		}
	case *ast.MappingNode:
		out.shape = mapping
		for _, value := range n.Values {
			out.fields = append(out.fields, fieldOf(value))
		}
		if len(out.fields) > 0 {
			out.line = out.fields[0].line
		}
	case *ast.MappingValueNode:
		out.shape, out.fields = mapping, []field{fieldOf(n)}
		out.line = out.fields[0].line
	}
	return out
}

func fieldOf(n *ast.MappingValueNode) field {
	at := n.Key.GetToken()
	name := at.Value
	if _, plain := n.Key.(*ast.StringNode); !plain {
		name = fmt.Sprintf("(%s)", n.Key.Type())
	}
	return field{name: name, line: at.Position.Line, value: nodeOf(n.Value)}
}
