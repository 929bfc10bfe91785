package trigger

import (
	"bytes"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"
)

// wrongType returns what is wrong with the declared type of a body, or "". JSON is UTF-8
// (RFC 8259). Another charset is accepted for a body of ASCII only, which is the same in
// both. A body without a type is read as JSON.
func wrongType(headers map[string]string, body []byte) string {
	for coding := range strings.SplitSeq(header(headers, "content-encoding"), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			return fmt.Sprintf("content-encoding %s is not supported; send the body without one", coding)
		}
	}
	declared := header(headers, "content-type")
	for _, one := range mediaTypes(declared) {
		media, parameters, err := mime.ParseMediaType(one)
		if err != nil || !isJSON(media) {
			return fmt.Sprintf("content-type %s is not supported; want application/json", declared)
		}
		if charset := strings.ToLower(parameters["charset"]); !readable(charset, body) {
			return fmt.Sprintf("charset %s is not supported; want utf-8", charset)
		}
	}
	return ""
}

// mediaTypes returns the types that a content-type lists: a header that was sent twice
// arrives as one with a comma.
func mediaTypes(declared string) []string {
	if _, _, err := mime.ParseMediaType(declared); err == nil {
		return []string{declared} // a comma in it is quoted
	}
	return strings.FieldsFunc(declared, func(r rune) bool { return r == ',' })
}

// isJSON reports whether a media type is JSON.
// Source: https://mimesniff.spec.whatwg.org/#json-mime-type
func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// readable reports whether a body in charset has the same text when it is read as UTF-8.
// Nearly all charsets extend ASCII. The other encodings of Unicode do not.
func readable(charset string, body []byte) bool {
	switch name := strings.NewReplacer("-", "", "_", "").Replace(charset); {
	case name == "", name == "utf8":
		return true
	case strings.HasPrefix(name, "utf"), strings.HasPrefix(name, "ucs"):
		return false
	}
	return !bytes.ContainsFunc(body, func(r rune) bool { return r >= utf8.RuneSelf })
}

// header returns the value of a header. An HTTP API sends names in lower case; events
// that are written by hand may not.
func header(headers map[string]string, name string) string {
	for key, value := range headers {
		if strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
