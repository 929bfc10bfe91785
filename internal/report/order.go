package report

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// sort sorts the rows. Rows without a value come last.
func (l *Listing) sort(by []string) {
	type order struct {
		column string
		sign   int
	}
	orders := make([]order, len(by))
	for i, name := range by {
		name, descending := strings.CutPrefix(name, "-")
		orders[i] = order{l.name(name), 1}
		if descending {
			orders[i].sign = -1
		}
	}
	slices.SortStableFunc(l.rows, func(a, b map[string]json.RawMessage) int {
		for _, o := range orders {
			if c := compare(a[o.column], b[o.column], o.sign); c != 0 {
				return c
			}
		}
		return 0
	})
}

// compare compares numbers by value, and other values by their text.
func compare(a, b json.RawMessage, sign int) int {
	textA, textB := cellOf(a), cellOf(b)
	if (textA == "") != (textB == "") {
		return cmp.Compare(textB, textA) // the empty one is the last
	}
	var x, y float64
	if number(a) && number(b) && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil {
		return sign * cmp.Compare(x, y)
	}
	return sign * cmp.Compare(textA, textB)
}

// number reports whether a JSON value is a number.
func number(value json.RawMessage) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}
