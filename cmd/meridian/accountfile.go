package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meridian/pkg/protocol"
)

// An accountFile is the file of --accounts. Meridian's own form is a list of accounts as in
// a request, or an object that has the list as "accounts". The other form is c7n-org's.
type accountFile struct {
	accounts []listedAccount
	c7n      bool // in the form of c7n-org
	list     bool // without an object around it
}

// A listedAccount is an account of the file.
type listedAccount struct {
	account protocol.Account
	tags    []string // key:value, key=value, or a word
	index   int      // in the file
	unused  []string // the names of the fields that have no meaning here
}

// readAccounts reads the file of --accounts.
func readAccounts(data []byte) (accountFile, protocol.Faults) {
	var file accountFile
	if len(data) > protocol.MaxRequestBytes {
		return file, protocol.Faults{{Detail: fmt.Sprintf("more than %d bytes (1 MiB)", protocol.MaxRequestBytes)}}
	}
	whole, err := asJSON(data)
	if err != nil {
		return file, protocol.Faults{{Detail: err.Error()}}
	}
	if file.list = bytes.HasPrefix(whole, []byte("[")); file.list {
		whole = slices.Concat([]byte(`{"accounts":`), whole, []byte("}"))
	}
	var faults protocol.Faults
	if file.c7n = isC7N(whole); file.c7n {
		file.accounts, faults = readC7N(whole)
	} else {
		var own struct {
			Accounts []listedAccount `json:"accounts"`
		}
		faults = protocol.DecodeStrict(whole, &own)
		file.accounts = own.Accounts
	}
	if len(file.accounts) == 0 && faults == nil {
		faults = protocol.Faults{{Path: "accounts", Detail: "there are no accounts"}}
	}
	for i := range file.accounts {
		file.accounts[i].index = i
	}
	return file, faults
}

// asJSON returns a YAML document, or a JSON one, as JSON.
func asJSON(data []byte) (json.RawMessage, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	value, err := asValue(data)
	if err != nil && json.Valid(data) { // JSON with tabs, or with an escaped emoji, is not YAML
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	whole, err := json.Marshal(value)
	if err != nil || !hasTextKeys(value) {
		return nil, errors.New("want keys that are text, and no numbers such as .inf") // JSON can hold all else
	}
	return whole, nil
}

// hasTextKeys reports whether all mappings in a value have texts as keys.
func hasTextKeys(value any) bool {
	switch value := value.(type) {
	case map[any]any: // a mapping with a key that is no text
		return false
	case map[string]any:
		for _, member := range value {
			if !hasTextKeys(member) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(value, func(element any) bool { return !hasTextKeys(element) })
	}
	return true
}

// asValue reads a YAML document.
func asValue(data []byte) (any, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("is empty; want a list of accounts")
		}
		return nil, errors.New("neither YAML nor JSON: " + strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("has several documents; want one")
	}
	keepTexts(document.Content[0])
	var value any
	if err := document.Decode(&value); err != nil {
		text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n ", "")
		return nil, errors.New(strings.TrimPrefix(text, "unmarshal errors: "))
	}
	return value, nil
}

// keepTexts makes the ids and names of accounts texts, as they are written. YAML would read
// an id without quotes as a number, and one that begins with 0 as an octal number.
func keepTexts(root *yaml.Node) {
	list := root
	if root.Kind == yaml.MappingNode {
		keepKeys(member(root, "vars"))
		list = member(root, "accounts")
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	keep := func(n *yaml.Node) {
		if n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			n.Tag = "!!str"
		}
	}
	for _, account := range list.Content {
		account = followed(account)
		keep(account)
		keepKeys(member(account, "vars"))
		for _, field := range []string{"id", "account_id", "name", "role", "profile", "externalId", "external_id"} {
			keep(member(account, field))
		}
	}
}

// keepKeys makes the keys of mappings texts, as in JSON. The variables of c7n-org may have
// numbers as keys, such as the number of an account.
func keepKeys(n *yaml.Node) {
	if n == nil {
		return
	}
	for i, child := range n.Content { // an alias has none
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode && child.ShortTag() != "!!merge" {
			child.Tag = "!!str"
		}
		keepKeys(child)
	}
}

// member returns the value of a key of a mapping, or nil.
func member(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return followed(n.Content[i+1])
		}
	}
	return nil
}

// followed returns the node that an alias stands for.
func followed(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// UnmarshalJSON reads an account as a request has it, and its tags.
func (a *listedAccount) UnmarshalJSON(data []byte) error {
	fields, isObject := members(data)
	if raw, tagged := fields["tags"]; isObject && tagged {
		delete(fields, "tags")
		data, _ = json.Marshal(fields) // valid JSON has no error
		var err error
		if a.tags, err = tagsOf(raw); err != nil {
			return err
		}
	}
	return a.account.UnmarshalJSON(data) //nolint:wrapcheck // it has the paths of the faults
}

// tagsOf reads tags: an object, or a list of texts and objects.
func tagsOf(raw json.RawMessage) ([]string, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // valid JSON has no error
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var tags []string
	for _, entry := range list {
		pairs, isMap := entry.(map[string]any)
		if !isMap && (!isList || !scalar(entry)) {
			return nil, protocol.Faults{protocol.NewFault("tags", raw, "want an object, or a list of texts such as env:prod")}.Err()
		}
		if !isMap {
			tags = append(tags, fmt.Sprint(entry))
		}
		for _, key := range slices.Sorted(maps.Keys(pairs)) {
			tags = append(tags, fmt.Sprintf("%s=%v", key, pairs[key]))
		}
	}
	return tags, nil
}

// scalar reports whether a value is a text, a number or a boolean.
func scalar(value any) bool {
	switch value.(type) {
	case string, json.Number, bool:
		return true
	}
	return false
}

// tagged reports whether an account has a tag, written key=value or as in the file.
func (a *listedAccount) tagged(tag string) bool {
	return slices.ContainsFunc(a.tags, func(t string) bool { return t == tag || pair(t) == tag })
}

// pair returns a tag as key=value.
func pair(tag string) string {
	if strings.Contains(tag, "=") {
		return tag
	}
	return strings.Replace(tag, ":", "=", 1)
}

// tags returns the tags of all accounts, each once.
func (file *accountFile) tags() []string {
	var tags []string
	for _, a := range file.accounts {
		for _, t := range a.tags {
			tags = append(tags, pair(t))
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// notice returns the fields of the file that have no meaning here, with counts, or "".
func (file *accountFile) notice() string {
	counts := map[string]int{}
	for _, a := range file.accounts {
		for _, field := range a.unused {
			counts[field]++
		}
	}
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s of %s", field, count(counts[field], "account")))
	}
	return strings.Join(parts, ", ")
}

// inFile returns faults of the file as faults of the field "accounts", which the file sets.
func inFile(faults protocol.Faults) protocol.Faults {
	for i, fault := range faults {
		if fieldOf(fault.Path) != "accounts" {
			faults[i].Path = strings.TrimSuffix("accounts."+fault.Path, ".")
		}
	}
	return faults
}

// placeInFile returns the place in the file for the rest of a fault's path, the part after
// "accounts". The path is one of the file or, once the accounts are selected, of the request.
func (f *accountFlags) placeInFile(rest string) string {
	number, field, inside := strings.Cut(strings.TrimPrefix(rest, "["), "]")
	if i, err := strconv.Atoi(number); err == nil && inside && f.listed != nil && i < len(f.listed) {
		rest = fmt.Sprintf("[%d]%s", f.listed[i].index, field)
	}
	if f.read.c7n {
		rest = strings.NewReplacer("].id", "].account_id", "].externalId", "].external_id").Replace(rest)
	}
	if f.read.list || !strings.HasPrefix(rest, "[") {
		return strings.TrimPrefix(rest, ".")
	}
	return "accounts" + rest
}
