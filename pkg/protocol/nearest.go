package protocol

import (
	"cmp"
	"fmt"
	"strings"
)

// Nearest returns the known name that is most similar to name, as a suggestion for an
// error message. It prefers the name with the smallest edit distance, if that is at most
// two or a third of name's letters, and at most half of them. Otherwise it returns the
// first known name that contains name, if name has four letters or more. Otherwise it
// returns "". The first of several equally near names wins. Case is ignored.
func Nearest(name string, known []string) string {
	name = strings.ToLower(name)
	limit := min(max(2, len(name)/3), len(name)/2) // beyond that it is another word
	best, bestDistance := "", 1+limit
	containing := ""
	for _, k := range known {
		lower := strings.ToLower(k)
		if containing == "" && len(name) >= 4 && strings.Contains(lower, name) {
			containing = k
		}
		if max(len(lower)-len(name), len(name)-len(lower)) >= bestDistance {
			continue // it takes at least that many insertions or deletions
		}
		if d := distance(name, lower); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return cmp.Or(best, containing)
}

// distance is the number of single-byte insertions, deletions, substitutions
// and swaps of neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	next := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// UnknownFault returns the fault of a value at path that is not one of the known
// values. kind says what they are ("a task"). The fault suggests the nearest, or lists
// all if they are few.
func UnknownFault(path, value, kind string, known []string) Fault {
	f := Fault{Path: path, Value: shown(value), Detail: "is not " + kind}
	const few = 8
	if near := Nearest(value, known); near != "" {
		f.Detail += fmt.Sprintf("; did you mean %q?", near)
	} else if len(known) <= few {
		f.Detail += "; known are " + strings.Join(known, ", ")
	}
	return f
}
