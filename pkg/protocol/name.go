package protocol

import "strings"

// crockford has the digits of Crockford's base32, in which the IDs of runs are written.
// Source: https://github.com/ulid/spec
const crockford = digits + "ABCDEFGHJKMNPQRSTVWXYZ"

// ValidName reports whether a run may have the name s. A regular expression would be
// compiled at every cold start.
func ValidName(s string) bool {
	return s != "" && len(s) <= MaxNameLength && of(s, alphanumeric+NamePunctuation)
}

// ValidKey reports whether s can be the key of a run.
func ValidKey(s string) bool {
	return s != "" && len(s) <= MaxKeyLength && of(s, alphanumeric+KeyPunctuation)
}

// ValidRunID reports whether s has the form of a run's id, which is a ULID: 26 characters
// of Crockford's base32, in upper case, the first of them 0 to 7.
func ValidRunID(s string) bool { return len(s) == 26 && s[0] <= '7' && of(s, crockford) }

// name checks the name of a run. Empty means none.
func (f *Faults) name(s string) {
	if s != "" && !ValidName(s) {
		f.add("name", s, "want 1 to %d of A-Z a-z 0-9 %s", MaxNameLength, spaced(NamePunctuation))
	}
}

// spaced returns s with a blank between its characters.
func spaced(s string) string { return strings.Join(strings.Split(s, ""), " ") }
