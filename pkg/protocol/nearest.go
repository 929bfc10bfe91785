package protocol

import (
	"cmp"
	"fmt"
	"strings"
)

// Nearest returns the one of known that is most like name, for an error
// message to suggest: the one fewest changes away, of up to two or one for every
// three letters, but not more than half of them; else the first that contains
// name, when that has four letters or more; else "". Of several equally near it
// is the first. Case does not count.
func Nearest(name string, known []string) string {
	name = strings.ToLower(name)
	limit := min(max(2, len(name)/3), len(name)/2) // further than that is another word
	best, bestDistance := "", 1+limit
	containing := ""
	for _, k := range known {
		lower := strings.ToLower(k)
		if containing == "" && len(name) >= 4 && strings.Contains(lower, name) {
			containing = k
		}
		if max(len(lower)-len(name), len(name)-len(lower)) >= bestDistance {
			continue // that many insertions or deletions at least
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

// UnknownFault returns the fault of a value at path that is not one of the known,
// which are each kind ("a task"): it names the nearest, or else all of them when
// they are few.
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
