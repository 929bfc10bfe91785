package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestThePictureIsUpToDate(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	got, err := draw(filepath.Join(root, record))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(root, picture))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the command writes; run `make pictures`", picture)
	}
}

func TestATerminalIsXMLWithEachStyle(t *testing.T) {
	t.Parallel()
	svg := terminal("\x1b[1mbold\x1b[m  \x1b[31mred <&>\x1b[m\n  \x1b[2mfaint\x1b[m", 20)
	for _, want := range []string{
		`<text class="b" x="16.0" y="56" textLength="33.6" lengthAdjust="spacingAndGlyphs">bold</text>`,
		`<text class="c31" x="66.4" y="56" textLength="58.8" lengthAdjust="spacingAndGlyphs">red &lt;&amp;&gt;</text>`,
		`<text class="f" x="32.8" y="74" textLength="42.0" lengthAdjust="spacingAndGlyphs">faint</text>`,
	} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture lacks %s:\n%s", want, svg)
		}
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
