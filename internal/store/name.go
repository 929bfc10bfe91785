package store

import (
	"slices"
	"strconv"
	"strings"
)

// fileName returns the name of a segment's file or directory. Names of different segments
// differ even on Windows and macOS, whose file systems ignore case:
//
//   - A colon, which Windows does not allow, becomes a comma.
//   - A segment with capital letters gets "~" and their positions: "u" if it has no small
//     ones, else a hexadecimal digit for every four characters.
//   - The name of a Windows device gets "~" in front.
func fileName(segment string) string {
	name := strings.ReplaceAll(segment, ":", ",")
	if isDevice(segment) {
		name = "~" + name
	}
	if segment != strings.ToLower(segment) {
		name += "~" + capitals(segment)
	}
	return name
}

// segmentOf returns the segment of a file's name, and false if fileName does not make it.
func segmentOf(name string) (segment string, ok bool) {
	segment, _, _ = strings.Cut(strings.TrimPrefix(name, "~"), "~")
	segment = strings.ReplaceAll(segment, ",", ":")
	return segment, checkSegment(segment) == "" && fileName(segment) == name
}

// capitals returns the positions of the capital letters in a segment.
func capitals(segment string) string {
	if segment == strings.ToUpper(segment) {
		return "u"
	}
	var digits []byte
	for four := range slices.Chunk([]byte(segment), 4) {
		digit := int64(0)
		for i, c := range four {
			if 'A' <= c && c <= 'Z' {
				digit |= 1 << i
			}
		}
		digits = strconv.AppendInt(digits, digit, 16)
	}
	return strings.TrimRight(string(digits), "0")
}

// isDevice reports whether a name is reserved on Windows. Only the part before the first
// dot counts.
// Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
func isDevice(segment string) bool {
	base, _, _ := strings.Cut(strings.ToLower(segment), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (base[:3] == "com" || base[:3] == "lpt") && '0' <= base[3] && base[3] <= '9'
}
