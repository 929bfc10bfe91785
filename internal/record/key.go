package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"meridian/pkg/protocol"
)

const (
	// maxSegment limits a segment of a key that holds a name. A store allows 200 bytes.
	maxSegment = 180

	// maxTime is the last millisecond that an id can have: 48 bits.
	maxTime = 1<<48 - 1
)

// checkID returns an error for an id that is not a run's id.
func checkID(id string) error {
	if !protocol.ValidRunID(id) {
		return fmt.Errorf("%.40q is not the id of a run: %w", id, fs.ErrNotExist)
	}
	return nil
}

// startOf returns the time in a valid id, in UTC.
func startOf(id string) time.Time {
	u, _ := ulid.ParseStrict(id)
	return u.Timestamp().UTC()
}

// The keys of a run. Each id is valid.

func runPrefix(id string) string     { return "runs/" + id + "/" }
func requestKey(id string) string    { return runPrefix(id) + "request.json" }
func planKey(id string) string       { return runPrefix(id) + "plan.json" }
func outputsPrefix(id string) string { return runPrefix(id) + "outputs/" }

func logKey(id string, n int) string {
	return runPrefix(id) + "events/" + strconv.Itoa(n) + ".jsonl"
}

func resultKey(id string, redrive int) string {
	return runPrefix(id) + "result" + suffix(redrive) + ".json"
}

func stopKey(id string, redrive int) string { return runPrefix(id) + "stop" + suffix(redrive) }

// The keys by which runs are found.

const (
	openPrefix = "open/"
	daysPrefix = "days/"
)

func openKey(id string, redrive int) string { return openPrefix + id + suffix(redrive) }
func keyKey(key string) string              { return "keys/" + segment(key) }
func namePrefix(name string) string         { return "names/" + segment(name) + "/" }

// nameKey begins with the time until the last one there is, so that a list has the newest run
// first.
func nameKey(name, id string) string {
	return fmt.Sprintf("%s%015d-%s", namePrefix(name), maxTime-startOf(id).UnixMilli(), id)
}

func dayPrefix(day time.Time) string { return daysPrefix + day.UTC().Format(time.DateOnly) + "/" }
func dayKey(id string) string        { return dayPrefix(startOf(id)) + id }

// suffix returns what the keys of a redrive have at the end of their names.
func suffix(redrive int) string {
	if redrive == 0 {
		return ""
	}
	return "-" + strconv.Itoa(redrive)
}

// segment returns any text as a segment of a key. Different texts have different segments. Bytes
// that a segment cannot have, a dot at either end and the percent sign become % and two capital
// hexadecimal digits. A text that is too long then is cut, and ends with "%%" and its SHA-256. A
// lone "%" is the empty text.
func segment(text string) string {
	if text == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if plain(c) || c == '.' && i > 0 && i < len(text)-1 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= maxSegment {
		return b.String()
	}
	sum := sha256.Sum256([]byte(text))
	hash := "%%" + hex.EncodeToString(sum[:])
	return b.String()[:maxSegment-len(hash)] + hash
}

// plain reports whether a byte stands for itself everywhere in a segment.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+:=@-", c) >= 0
}
