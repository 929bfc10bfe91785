package store

import (
	"fmt"
	"strings"
)

// keyCharacters are the characters of a segment. Except for the colon every file system
// allows them, and XML needs no escapes for them.
const keyCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+:=@%-"

// checkKey returns what is wrong with a key.
func checkKey(key string) error {
	if len(key) > MaxKeyBytes {
		return fmt.Errorf("the key that begins with %.40q has %d bytes; want at most %d", key, len(key), MaxKeyBytes)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if problem := checkSegment(segment); problem != "" {
			return fmt.Errorf("the key %q has a segment %q that %s", key, segment, problem)
		}
	}
	return nil
}

// checkSegment says what is wrong with a segment, or returns "".
func checkSegment(segment string) string {
	switch {
	case segment == "":
		return "is empty"
	case len(segment) > MaxSegmentBytes:
		return fmt.Sprintf("has %d bytes; want at most %d", len(segment), MaxSegmentBytes)
	case strings.Trim(segment, keyCharacters) != "":
		return "has other characters than letters, digits and ._+:=@%-"
	case strings.HasPrefix(segment, "."), strings.HasSuffix(segment, "."):
		return "begins or ends with a dot"
	}
	return ""
}

// checkPrefix returns what is wrong with a prefix of keys.
func checkPrefix(prefix string) error {
	whole, part := splitPrefix(prefix)
	if strings.Trim(part, keyCharacters) != "" {
		return fmt.Errorf("the prefix %.80q has other characters than letters, digits and ._+:=@%%-", prefix)
	}
	if whole == "" {
		return nil
	}
	return checkKey(strings.TrimSuffix(whole, "/"))
}

// splitPrefix splits a prefix after its last slash.
func splitPrefix(prefix string) (whole, part string) {
	i := strings.LastIndexByte(prefix, '/') + 1
	return prefix[:i], prefix[i:]
}
