package model

import (
	"bytes"
	"io"
)

// maxElements is the depth of elements in an answer in XML: a list or a map of maxDepth has
// two elements, its own and that of its item.
const maxElements = 2 * maxDepth

// A nestingReader reads an XML document and fails where its elements are nested too deeply.
// encoding/xml has no limit and keeps each open element, so that 3 MB of them took 282 MB.
// It looks for tags only: whether the document is well-formed is encoding/xml's to say.
type nestingReader struct {
	io.Reader

	depth int
	in    markup
	quote byte    // that ends the value of an attribute; 0 outside of one
	last  [3]byte // the last bytes
}

// A markup is the part of an XML document that a byte is in.
type markup int

const (
	inText markup = iota
	inMarkup
	inStartTag
	inEndTag
	inInstruction
	inDeclaration
	inComment
	inCharacterData
)

// ends are the texts that end a markup. A declaration becomes a comment or character data
// with its first byte.
//
//nolint:gochecknoglobals // a constant
var ends = [...]string{
	inInstruction: "?>", inDeclaration: ">", inComment: "-->", inCharacterData: "]]>",
}

// Read implements io.Reader.
func (r *nestingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		switch r.in {
		case inText:
			rest = r.skip(rest, '<', inMarkup)
		case inEndTag:
			rest = r.skip(rest, '>', inText)
		case inStartTag:
			rest = r.startTag(rest)
		default:
			r.next(rest[0])
			rest = rest[1:]
		}
		if r.depth > maxElements {
			return 0, errTooDeep
		}
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// skip returns what is after the next c, where the markup then begins.
func (r *nestingReader) skip(text []byte, c byte, then markup) []byte {
	i := bytes.IndexByte(text, c)
	if i < 0 {
		return nil
	}
	r.in = then
	return text[i+1:]
}

// next takes the next byte of another markup.
func (r *nestingReader) next(c byte) {
	r.last = [3]byte{r.last[1], r.last[2], c}
	switch {
	case r.in == inMarkup:
		r.begin(c)
	case r.in == inDeclaration && r.last[1] == '!' && c == '-':
		r.in = inComment
	case r.in == inDeclaration && r.last[1] == '!' && c == '[':
		r.in = inCharacterData
	case bytes.HasSuffix(r.last[:], []byte(ends[r.in])):
		r.in = inText
	}
}

// begin takes the first byte after a "<".
func (r *nestingReader) begin(c byte) {
	switch c {
	case '/':
		r.in = inEndTag
		r.depth--
	case '?':
		r.in = inInstruction
	case '!':
		r.in = inDeclaration
	default:
		r.in = inStartTag
		r.depth++
	}
}

// startTag returns what is after a start tag.
func (r *nestingReader) startTag(text []byte) []byte {
	for i, c := range text {
		switch {
		case r.quote != 0:
			if c == r.quote {
				r.quote = 0
			}
		case c == '"' || c == '\'':
			r.quote = c
		case c == '>':
			r.in = inText
			if r.last[2] == '/' {
				r.depth--
			}
			return text[i+1:]
		}
		r.last[2] = c
	}
	return nil
}
