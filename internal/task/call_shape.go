package task

import (
	"fmt"
	"maps"
	"slices"

	"meridian/internal/awsapi/model"
	"meridian/pkg/protocol"

	"github.com/aws/smithy-go"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"
)

// A form is what is known of a value that a query takes from an answer: its type in AWS's
// model, or that it is a list or a hash that the query makes. Nil means that nothing is
// known.
type form struct {
	of   model.Type
	list bool  // that the query makes
	item *form // of its elements
	hash map[string]*form
}

// missingMember returns what is wrong with a query that asks an operation's answer for a
// member that it does not have: it would find nothing, as if there were nothing. What it
// does not know for certain is right.
func (q *query) missingMember(op *model.Operation) (problem string) {
	answer := &form{of: op.OutputType()}
	_, problem = answer.follow(q.node, answer)
	return problem
}

// follow returns the form of a node's value for a value of the form f, or what is wrong
// with the node. root is the form of the whole answer.
func (f *form) follow(node parsing.ASTNode, root *form) (*form, string) {
	switch node.NodeType {
	case parsing.ASTField:
		name, _ := node.Value.(string)
		return f.member(name)
	case parsing.ASTCurrentNode, parsing.ASTIdentity:
		return f, ""
	case parsing.ASTRootNode:
		return root, ""
	case parsing.ASTSubexpression, parsing.ASTPipe, parsing.ASTIndexExpression:
		left, problem := f.follow(node.Children[0], root)
		if problem != "" {
			return nil, problem
		}
		return left.follow(node.Children[1], root)
	case parsing.ASTIndex:
		return f.element(), ""
	case parsing.ASTSlice:
		return f, ""
	case parsing.ASTFlatten:
		inner, problem := f.follow(node.Children[0], root)
		item := inner.element()
		if item.isList() {
			item = item.element()
		}
		return &form{list: true, item: item}, problem
	case parsing.ASTProjection, parsing.ASTFilterProjection, parsing.ASTValueProjection:
		return f.project(node, root)
	case parsing.ASTMultiSelectHash:
		hash := &form{hash: map[string]*form{}}
		for _, pair := range node.Children {
			value, problem := f.follow(pair.Children[0], root)
			if problem != "" {
				return nil, problem
			}
			key, _ := pair.Value.(string)
			hash.hash[key] = value
		}
		return hash, ""
	case parsing.ASTMultiSelectList, parsing.ASTComparator, parsing.ASTAndExpression, parsing.ASTOrExpression,
		parsing.ASTNotExpression, parsing.ASTArithmeticExpression, parsing.ASTArithmeticUnaryExpression:
		return nil, f.followEach(node.Children, root)
	case parsing.ASTFunctionExpression:
		return f.call(node, root)
	default: // literals, variables and what binds them
		return nil, ""
	}
}

// followEach returns what is wrong with the first of several nodes.
func (f *form) followEach(nodes []parsing.ASTNode, root *form) (problem string) {
	for _, node := range nodes {
		if _, problem = f.follow(node, root); problem != "" {
			return problem
		}
	}
	return ""
}

// project follows a projection: its right side, and a filter's condition, are for each
// element of its left side.
func (f *form) project(node parsing.ASTNode, root *form) (*form, string) {
	left, problem := f.follow(node.Children[0], root)
	if problem != "" {
		return nil, problem
	}
	item := left.element()
	if problem = item.followEach(node.Children[2:], root); problem != "" {
		return nil, problem
	}
	item, problem = item.follow(node.Children[1], root)
	return &form{list: true, item: item}, problem
}

// call follows the arguments of a function. An expression among them, as in
// sort_by(Vpcs, &VpcId), is for each element of the list among them.
func (f *form) call(node parsing.ASTNode, root *form) (*form, string) {
	var list *form
	for _, argument := range node.Children {
		if argument.NodeType == parsing.ASTExpRef {
			continue
		}
		value, problem := f.follow(argument, root)
		if problem != "" {
			return nil, problem
		}
		if list == nil {
			list = value
		}
	}
	for _, argument := range node.Children {
		if argument.NodeType == parsing.ASTExpRef {
			if problem := list.element().followEach(argument.Children, root); problem != "" {
				return nil, problem
			}
		}
	}
	switch node.Value {
	case "sort_by", "reverse", "sort":
		return list, ""
	case "max_by", "min_by":
		return list.element(), ""
	}
	return nil, ""
}

// member returns the form of a member, or says that there is none.
func (f *form) member(name string) (*form, string) {
	switch {
	case f == nil:
		return nil, ""
	case f.hash != nil:
		if _, ok := f.hash[name]; !ok {
			return nil, notThere(name, slices.Sorted(maps.Keys(f.hash)))
		}
		return f.hash[name], ""
	case f.isList():
		return nil, fmt.Sprintf("takes %s of a list; write [].%s to take it of each element", name, name)
	}
	switch f.of.Kind() { //nolint:exhaustive // of the others nothing is known
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		if member, ok := f.of.Member(name); ok {
			return &form{of: member}, ""
		}
		return nil, notThere(name, f.of.Members())
	case smithy.ShapeTypeMap:
		return &form{of: f.of.Item()}, ""
	}
	return nil, ""
}

// notThere says that a query takes a member that does not exist.
func notThere(name string, known []string) string {
	problem := "takes " + name + ", which the answer does not have there"
	if near := protocol.Nearest(name, known); near != "" {
		return problem + "; did you mean " + near + "?"
	}
	return problem + "; `meridian operations` shows what it has"
}

// isList reports whether the value is known to be a list.
func (f *form) isList() bool {
	return f != nil && (f.list || f.of.Kind() == smithy.ShapeTypeList)
}

// element returns the form of a list's elements, or of a map's values.
func (f *form) element() *form {
	switch {
	case f == nil || f.hash != nil:
		return nil
	case f.list:
		return f.item
	case f.isList() || f.of.Kind() == smithy.ShapeTypeMap:
		return &form{of: f.of.Item()}
	}
	return nil
}
