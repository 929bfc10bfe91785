package task

import (
	"fmt"
	"math"
	"strings"

	"github.com/jmespath-community/go-jmespath/pkg/interpreter"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"
)

const (
	// elementBytes is what an element of a list takes.
	elementBytes = 16

	// shortQuery is how much memory a query takes beside others. Most take less, and the 64
	// queries that a worker makes at once take 4 MiB.
	shortQuery = 64 << 10
)

// The functions that [counted] adds to an expression. No expression has such names.
const (
	countVisit = "count a visit"
	countValue = "count a value"
)

// A budget limits the memory that one query takes. A short expression can ask for more than
// any memory, with pad_left(@, `1000000000`) or with lists of lists.
//
// Long queries are made one at a time, so together they take no more memory than one may.
// A query that has its turn waits for nothing more, so every turn ends.
type budget struct {
	functions interpreter.FunctionCaller
	most      int // bytes
	used      int
	turn      func() error // waits for the turn of a long query
	long      bool         // whether it has come
}

// CallFunction implements interpreter.FunctionCaller. What a function takes is counted
// before it is called.
func (b *budget) CallFunction(name string, arguments []any) (any, error) {
	switch name {
	case countVisit:
		return arguments[0], b.take(elementBytes)
	case countValue:
		return arguments[0], b.take(made(arguments[0]))
	}
	if err := b.take(b.cost(name, arguments)); err != nil {
		return nil, err
	}
	result, err := b.functions.CallFunction(name, arguments)
	if err != nil {
		return nil, functionError(name, err)
	}
	return result, nil
}

// take counts bytes.
func (b *budget) take(bytes int) error {
	b.used += bytes
	switch {
	case b.used > b.most:
		return fmt.Errorf("it makes more than fits into %d MiB; take less of the answer, or ask for less with the input", b.most>>20)
	case b.used > shortQuery && !b.long:
		b.long = true
		return b.turn()
	}
	return nil
}

// cost returns the bytes of a function's arguments and result. The result of most functions
// is no larger than the arguments.
func (b *budget) cost(name string, arguments []any) int {
	cost := elementBytes
	for _, argument := range arguments {
		cost += 2 * size(argument)
	}
	switch name {
	case "pad_left", "pad_right":
		if len(arguments) > 1 {
			if width, _ := arguments[1].(float64); width > 0 {
				cost += 3 * int(min(width, math.MaxInt32)) // the padding, and twice the text
			}
		}
	case "replace":
		cost += strings.Count(text(arguments, 0), text(arguments, 1)) * len(text(arguments, 2))
	case "split":
		cost += strings.Count(text(arguments, 0), text(arguments, 1)) * 3 * elementBytes
	case "join":
		if len(arguments) > 1 {
			list, _ := arguments[1].([]any)
			cost += len(list) * len(text(arguments, 0))
			for i := range list {
				cost += len(text(list, i))
			}
		}
	case "to_string":
		for _, argument := range arguments {
			cost += jsonSize(argument, b.most)
		}
	}
	return cost
}

// text returns an element that is a text, or "".
func text(list []any, i int) string {
	if i >= len(list) {
		return ""
	}
	s, _ := list[i].(string)
	return s
}

// size returns the bytes of a value without those of its elements.
func size(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []any:
		return len(v) * elementBytes
	case map[string]any:
		return len(v) * 2 * elementBytes
	}
	return 0
}

// made returns the bytes that it takes to make a list or an object of elements that exist.
func made(value any) int {
	if object, ok := value.(map[string]any); ok {
		return 320 + 4*elementBytes*max(0, len(object)-8) // a Go map has eight places from the start
	}
	return 3*elementBytes + 2*size(value) // it grew
}

// counted returns an expression that means the same and counts what it takes, by functions
// around what is made and what is done for each element of a list. The interpreter has no
// limit of its own, and nothing else in it can be replaced.
func counted(node parsing.ASTNode) parsing.ASTNode {
	children := make([]parsing.ASTNode, len(node.Children))
	for i, child := range node.Children {
		children[i] = counted(child)
	}
	node.Children = children
	around := func(name string, inner parsing.ASTNode) parsing.ASTNode {
		return parsing.ASTNode{NodeType: parsing.ASTFunctionExpression, Value: name, Children: []parsing.ASTNode{inner}}
	}
	switch node.NodeType {
	case parsing.ASTProjection, parsing.ASTFilterProjection, parsing.ASTValueProjection:
		for i := 1; i < len(children); i++ { // the first is the list
			children[i] = around(countVisit, children[i])
		}
	case parsing.ASTMultiSelectList, parsing.ASTMultiSelectHash, parsing.ASTFlatten:
		return around(countValue, node)
	default:
	}
	return node
}

// jsonSize returns how many bytes a value takes as JSON, at least. It stops above most: a
// value that a query has made can have the same list in it a million times.
func jsonSize(value any, most int) int {
	bytes := len(`""`)
	switch v := value.(type) {
	case string:
		bytes += len(v)
	case []any:
		for _, item := range v {
			if bytes += jsonSize(item, most-bytes) + len(`,`); bytes > most {
				break
			}
		}
	case map[string]any:
		for key, item := range v {
			if bytes += len(key) + jsonSize(item, most-bytes) + len(`"":,`); bytes > most {
				break
			}
		}
	default:
		return 1
	}
	return bytes
}
