package model

import (
	"encoding/binary"
	"errors"
	"sort"
	"strings"
)

// magic is the first line of data that this package can read.
const magic = "meridian models 1\n"

// errData says that the data is not what generate.py writes.
var errData = errors.New("model: the data is damaged")

// A reader reads values one after the other. Once the text ends too early it is bad, and
// everything read is zero.
type reader struct {
	rest string
	bad  bool
}

// number reads an unsigned number as package binary encodes it.
func (r *reader) number() int {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen32)]))
	if size <= 0 {
		r.bad, r.rest = true, ""
		return 0
	}
	r.rest = r.rest[size:]
	return int(n) //nolint:gosec // it has 35 bits
}

// bytes reads a text of n bytes.
func (r *reader) bytes(n int) string {
	if n > len(r.rest) {
		r.bad, r.rest = true, ""
		return ""
	}
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

// below reads a number that is less than n.
func (r *reader) below(n int) int {
	i := r.number()
	if i >= n {
		r.bad = true
		return 0
	}
	return i
}

// A table has records that can be read one by one. Each has its length before it, and
// anchors has the offset of every sixteenth.
type table struct {
	count            int
	anchors, records string
}

const stride = 16 // records for each anchor

// table reads a table.
func (r *reader) table() table {
	t := table{count: r.number()}
	size := r.number()
	t.anchors = r.bytes((t.count + stride - 1) / stride * 4)
	t.records = r.bytes(size)
	if r.bad {
		return table{}
	}
	return t
}

// at returns the record with an index, or "" when there is none.
func (t table) at(index int) string {
	if index < 0 || index >= t.count {
		return ""
	}
	from := int(binary.LittleEndian.Uint32([]byte(t.anchors[index/stride*4:][:4])))
	if from > len(t.records) {
		return ""
	}
	r := reader{rest: t.records[from:]}
	for range index % stride {
		r.bytes(r.number())
	}
	return r.bytes(r.number())
}

// texts are all texts of the models, each made of words.
type texts struct{ words, made table }

// at returns the text with an index, or "" when there is none.
func (t texts) at(index int) string {
	var b strings.Builder
	for r := (reader{rest: t.made.at(index)}); r.rest != ""; {
		b.WriteString(t.words.at(r.number()))
	}
	return b.String()
}

// search returns the index of the record with the first text name, and whether there is
// one. The table is sorted by the first text.
func (t texts) search(in table, name string) (int, bool) {
	return sort.Find(in.count, func(i int) int { return strings.Compare(name, t.name(in, i)) })
}

// names returns the first texts of the records of a table.
func (t texts) names(of table) []string {
	names := make([]string, of.count)
	for i := range names {
		names[i] = t.name(of, i)
	}
	return names
}

// name returns the first text of the record with an index.
func (t texts) name(of table, index int) string { return t.at((&reader{rest: of.at(index)}).number()) }
