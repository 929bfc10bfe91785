package report

// A Selection says which columns to list, and in which order the rows. The name of a
// column also matches without regard to case. The zero Selection lists everything in the
// result's order.
type Selection struct {
	// Columns are the columns to list, in order. Nil means all.
	Columns []string

	// Sort are the columns to sort by. A "-" before a name reverses the order.
	Sort []string

	// CountBy lists how many rows have the same values in these columns, instead of the
	// rows. Nil lists the rows.
	CountBy []string

	// EveryTarget lists each target that succeeded with its name. One without an output has a
	// row without columns of its own. False leaves out the name where a Region has one target
	// only, and the row.
	EveryTarget bool

	// Times adds the column "elapsedMs": how long the row's target took, in milliseconds.
	Times bool
}

// Zero reports whether s is the zero Selection.
func (s Selection) Zero() bool { return s.Columns == nil && s.Sort == nil && s.CountBy == nil }
