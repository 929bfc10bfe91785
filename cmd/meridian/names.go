package main

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseNames returns the names in a list: a JSON array of strings, or names with commas
// or white space between them, so that "$(cat regions.txt)" and the tabs that the AWS
// command line prints are lists too. Empty places between commas are no names. A name
// with a separator in it is quoted as in a CSV file.
func parseNames(text string) ([]string, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) // some editors write one into a file
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		var names []string
		if json.Unmarshal([]byte(text), &names) != nil {
			return nil, errors.New(`want names with commas between them, or a JSON array of strings such as ["us-east-1"]`)
		}
		return names, nil
	}
	names := []string{}
	for {
		text = strings.TrimLeftFunc(text, separates)
		if text == "" {
			return names, nil
		}
		name, rest, err := nextName(text)
		if err != nil {
			return nil, err
		}
		names, text = append(names, name), rest
	}
}

func separates(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// nextName returns the name at the start of a list, and the rest of the list.
func nextName(text string) (name, rest string, err error) {
	if text[0] != '"' {
		if end := strings.IndexFunc(text, separates); end >= 0 {
			text, rest = text[:end], text[end:]
		}
		if strings.Contains(text, `"`) {
			return "", "", errors.New(`a name with a quote in it is quoted, and the quote is doubled: "a""b"`)
		}
		return text, rest, nil
	}
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if rest = text[i+1:]; strings.HasPrefix(rest, `"`) {
			i++ // a quote in the name
			continue
		}
		if next, _ := utf8.DecodeRuneInString(rest); rest != "" && !separates(next) {
			return "", "", errors.New("want a comma after a quoted name")
		}
		return strings.ReplaceAll(text[1:i], `""`, `"`), rest, nil
	}
	return "", "", errors.New("a quote is not closed")
}
