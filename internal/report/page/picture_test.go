package page_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "write the pictures of docs/ to this `directory`")

// mostBytes is the size of a picture in docs/.
const mostBytes = 200_000

// `make pictures` sets the flag. The pictures are of the committed record: the page from its top, and in
// the dark theme its matrix and rows.
func TestPictures(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("the flag -pictures is not set")
	}
	ctx := chromium(t)
	open(ctx, t, readRecord(t, record)).check(t)
	for _, tt := range []struct {
		name, theme, from string
		height            int64
	}{
		{"page-light.png", "light", "body", 1580},
		{"page-dark.png", "dark", "#matrix", 1420},
	} {
		shoot(ctx, t, tt.theme, 1280, tt.height)
		do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.documentElement.style.scrollBehavior = "auto"; document.querySelector("`+tt.from+`").scrollIntoView()`))
		data := smaller(t, shoot(ctx, t, tt.theme, 1280, tt.height))
		if len(data) > mostBytes {
			t.Errorf("%s has %d bytes, want at most %d", tt.name, len(data), mostBytes)
		}
		if err := os.WriteFile(filepath.Join(*pictures, tt.name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// smaller returns a picture in its 256 most frequent colors.
func smaller(t *testing.T, data []byte) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	area := picture.Bounds()
	times := map[color.Color]int{}
	for y := range area.Dy() {
		for x := range area.Dx() {
			times[picture.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(times), func(a, b color.Color) int { // the same picture gives the same bytes
		return cmp.Or(cmp.Compare(times[b], times[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	few := image.NewPaletted(area, colors[:min(len(colors), 256)])
	draw.Draw(few, area, picture, area.Min, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, few); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
