package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"meridian/pkg/protocol"

	"github.com/jmespath-community/go-jmespath"
	"github.com/jmespath-community/go-jmespath/pkg/functions"
	"github.com/jmespath-community/go-jmespath/pkg/interpreter"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"
)

const (
	// maxQueryBytes bounds the stack of the parser, which is recursive and has no limit of
	// its own. At 10 KiB it takes up to 16 MiB.
	maxQueryBytes = 10 << 10

	// maxQueryLevels bounds the stack of each evaluation: 250 levels take 512 KiB. A chain,
	// such as a || b || c, is a level for each of its operators.
	maxQueryLevels = 250
)

// A query is a compiled JMESPath expression. It may be used by several goroutines.
type query struct {
	node      parsing.ASTNode
	counted   parsing.ASTNode // see counted
	functions interpreter.FunctionCaller
	columns   []string // see columnsOf
}

// search returns what a query finds in an answer, within a budget.
func (q *query) search(answer any, b *budget) (any, error) {
	b.functions = q.functions
	result, err := interpreter.NewInterpreter(answer, b, nil).Execute(q.counted, answer)
	if b.used > b.most {
		err = b.take(0) // the interpreter drops some errors
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) { // while it waited for its turn
		return nil, err
	}
	if err != nil {
		return nil, &CallError{Name: ErrorCallQuery, Err: fmt.Errorf("query: %w", err)}
	}
	return result, nil
}

// compile returns the query of an expression, or what is wrong with it. The empty
// expression has a nil query.
func compile(expression string) (q *query, problem string) {
	if expression == "" {
		return nil, ""
	}
	if len(expression) > maxQueryBytes {
		return nil, fmt.Sprintf("is too long: it has %d bytes; want at most %d", len(expression), maxQueryBytes)
	}
	if strings.ContainsRune(expression, '\u0080') {
		return nil, "is not JMESPath: it has the control character U+0080" // with which the parser panics
	}
	node, err := jmespath.NewParser().Parse(expression)
	if wrong, ok := errors.AsType[jmespath.SyntaxError](err); ok {
		offset := min(max(wrong.Offset, 0), len(expression))
		return nil, fmt.Sprintf("is not JMESPath, at character %d: %s",
			utf8.RuneCountInString(expression[:offset])+1, strings.TrimPrefix(err.Error(), "SyntaxError: "))
	}
	if err != nil {
		return nil, "is not JMESPath: " + err.Error()
	}
	if deeperThan(maxQueryLevels, node) {
		return nil, fmt.Sprintf("is nested too deeply: it has more than %d levels", maxQueryLevels)
	}
	if hasBadBinding(node) {
		return nil, "is not JMESPath: let takes variables, as in let $name = Name in $name"
	}
	if problem := unknownFunction(node); problem != "" {
		return nil, problem
	}
	return &query{
		node: node, counted: counted(node), columns: columnsOf(node),
		functions: interpreter.NewFunctionCaller(safeFunctions()...),
	}, ""
}

// deeperThan reports whether an expression has more than some levels.
func deeperThan(levels int, node parsing.ASTNode) bool {
	return levels == 0 || slices.ContainsFunc(node.Children, func(child parsing.ASTNode) bool { return deeperThan(levels-1, child) })
}

// hasBadBinding reports whether a let binds something else than variables. The parser
// accepts every expression there, and the interpreter panics.
func hasBadBinding(node parsing.ASTNode) bool {
	for _, child := range node.Children {
		if node.NodeType == parsing.ASTBindings && (child.NodeType != parsing.ASTBinding || child.Children[0].NodeType != parsing.ASTVariable) {
			return true
		}
		if hasBadBinding(child) {
			return true
		}
	}
	return false
}

// unknownFunction returns what is wrong with the first function that JMESPath does not
// have. The parser accepts every name.
func unknownFunction(node parsing.ASTNode) (problem string) {
	if name, ok := node.Value.(string); ok && node.NodeType == parsing.ASTFunctionExpression {
		var known []string
		for _, f := range functions.GetDefaultFunctions() {
			known = append(known, f.Name)
		}
		if !slices.Contains(known, name) {
			return "calls " + name + ", which " + protocol.UnknownFault("", name, "a function of JMESPath", known).Detail
		}
	}
	for _, child := range node.Children {
		if problem := unknownFunction(child); problem != "" {
			return problem
		}
	}
	return ""
}

// columnsOf returns the keys of the hash that an expression ends with, as in
// "Vpcs[].{id: VpcId, cidr: CidrBlock}", in the order in which they are written: JSON
// objects have none. It returns nil for other expressions.
func columnsOf(node parsing.ASTNode) []string {
	switch node.NodeType {
	case parsing.ASTMultiSelectHash:
		columns := make([]string, len(node.Children))
		for i, pair := range node.Children {
			columns[i], _ = pair.Value.(string)
		}
		return columns
	case parsing.ASTProjection, parsing.ASTFilterProjection, parsing.ASTValueProjection:
		if len(node.Children) < 2 {
			return nil
		}
		return columnsOf(node.Children[1]) // the third child of a filter is its condition
	case parsing.ASTPipe, parsing.ASTSubexpression:
		last := node.Children[len(node.Children)-1]
		if columns := columnsOf(last); columns != nil || !keepsItems(last) {
			return columns
		}
		return columnsOf(node.Children[0])
	case parsing.ASTIndexExpression, parsing.ASTFlatten:
		return columnsOf(node.Children[0])
	case parsing.ASTFunctionExpression: // such as sort_by(Vpcs[].{…}, &id)
		if name, _ := node.Value.(string); len(node.Children) > 0 && (name == "sort_by" || name == "reverse" || name == "max_by" || name == "min_by") {
			return columnsOf(node.Children[0])
		}
	default:
	}
	return nil
}

// keepsItems reports whether a step of a pipe takes some of the items before it as they
// are, such as [0] or sort_by(@, &id).
func keepsItems(node parsing.ASTNode) bool {
	switch node.NodeType {
	case parsing.ASTCurrentNode, parsing.ASTIdentity, parsing.ASTIndex, parsing.ASTSlice:
		return true
	case parsing.ASTIndexExpression, parsing.ASTProjection, parsing.ASTFilterProjection, parsing.ASTFlatten:
		for _, child := range node.Children[:min(2, len(node.Children))] {
			if !keepsItems(child) {
				return false
			}
		}
		return true
	case parsing.ASTFunctionExpression:
		name, _ := node.Value.(string)
		return (name == "sort_by" || name == "reverse") && len(node.Children) > 0 && keepsItems(node.Children[0])
	default:
		return false
	}
}
