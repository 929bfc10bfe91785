package difference

import "strings"

// A Change is the kind of a finding.
type Change string

// The changes, in the order in which they are listed.
const (
	ChangeNewlyFailing Change = "NEWLY_FAILING" // a target that failed or timed out, and did not before
	ChangeSlower       Change = "SLOWER"        // a target that succeeded both times, and took longer
	ChangeRecovered    Change = "RECOVERED"     // a target that failed or timed out before, and does not any more
	ChangeStillFailing Change = "STILL_FAILING" // a target that failed or timed out both times
	ChangeCame         Change = "CAME"          // a Region, or a target in it, that only the second run has
	ChangeWent         Change = "WENT"          // a Region, or a target in it, that only the first run has
	ChangeRowCame      Change = "ROW_CAME"      // a row that only the second run has
	ChangeRowWent      Change = "ROW_WENT"      // a row that only the first run has
	ChangeRowChanged   Change = "ROW_CHANGED"   // a row with the same key and other values
)

// Changes returns all changes, in their order.
func Changes() []Change {
	return []Change{
		ChangeNewlyFailing, ChangeSlower, ChangeRecovered, ChangeStillFailing, ChangeCame, ChangeWent,
		ChangeRowCame, ChangeRowWent, ChangeRowChanged,
	}
}

// Words returns a change as it is printed: "newly failing".
func (c Change) Words() string {
	return strings.ToLower(strings.ReplaceAll(string(c), "_", " "))
}
