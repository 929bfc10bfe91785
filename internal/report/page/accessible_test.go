package page_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"meridian/internal/difference"
	"meridian/internal/report/page"
)

func TestABrowserShowsMarkupOfAResultAsText(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	c := open(ctx, t, everyStatus())
	for _, tt := range []struct{ name, expression, want string }{
		{"the title", `document.title`, hostile + " · Meridian"},
		{"the target", `[...document.querySelectorAll(".matrix thead th")].map(h => h.textContent).find(text => text.includes("script"))`, hostile},
		{"the Region", `document.querySelector(".lanes tbody th").textContent.slice(2)`, `"><img src=x onerror=alert(1)>`},
		{"a row", `[...document.querySelectorAll("#rows td")].map(d => d.textContent).find(text => text.includes("img src"))`, `<img src=x onerror=alert(1)>`},
		{"other elements", `String(document.querySelectorAll("img, iframe, object, embed, link, base, a[href^=javascript]").length)`, "0"},
		{"scripts", `String(document.scripts.length)`, "1"},
	} {
		if got := evaluate[string](ctx, t, tt.expression); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s is %q, want %q", tt.name, got, tt.want)
		}
	}
	c.check(t)
}

// The policy is in force: what it forbids does not happen.
func TestThePolicyOfAPageForbidsScriptsStylesAndRequests(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	open(ctx, t, readRecord(t, fewRecord)).check(t)
	got := evaluate[[]string](ctx, t, `(() => {
		window.violations = [];
		document.addEventListener("securitypolicyviolation", e => window.violations.push(e.effectiveDirective));
		const add = (name, text, more) => document.body.append(Object.assign(document.createElement(name), {textContent: text}, more));
		add("script", "window.ran = 1");
		add("style", "body { color: red !important }");
		add("img", "", {src: "https://example.com/x.png"});
		document.body.setAttribute("onclick", "window.ran = 1");
		document.body.click();
		return [String(window.ran), getComputedStyle(document.body).color];
	})()`)
	if want := []string{"undefined", "rgb(23, 32, 42)"}; !slices.Equal(got, want) {
		t.Errorf("what the policy forbids gives %q, want %q", got, want)
	}
	violations := evaluate[[]string](ctx, t, `window.violations`)
	slices.Sort(violations)
	if want := []string{"img-src", "script-src-attr", "script-src-elem", "style-src-elem"}; !slices.Equal(violations, want) {
		t.Errorf("the violations are of %q, want %q", violations, want)
	}
}

func TestAPageWithoutScriptsIsPlainTables(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	c := open(ctx, t, readRecord(t, fewRecord))
	got := evaluate[[]int](ctx, t, `[
		document.querySelector("form.filter").checkVisibility(),
		document.querySelector(".hint").checkVisibility(),
		document.querySelectorAll("#rows button").length,
		document.querySelectorAll("#rows tbody tr").length,
	].map(Number)`)
	if want := []int{0, 0, 0, 66}; !slices.Equal(got, want) {
		t.Errorf("without scripts there are filter, hint, buttons, rows = %v, want %v", got, want)
	}
	c.check(t)
}

// lowContrast is an expression that lists the texts with less contrast than WCAG 2.2 AA asks for: 4.5, or
// 3 for large text. Backgrounds are those of the elements around a text, one over the other.
const lowContrast = `(() => {
	const once = of => {
		const known = new Map();
		return key => known.has(key) ? known.get(key) : known.set(key, of(key)).get(key);
	};
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
	const rgba = once(color => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	});
	const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
	const luminance = color => {
		const [r, g, b] = color.map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ground = once(element => element ? over(rgba(getComputedStyle(element).backgroundColor), ground(element.parentElement)) : rgba("Canvas"));
	const found = new Map();
	let texts = 0;
	const check = (element, color, text, behind = element) => {
		texts++;
		const style = getComputedStyle(element), size = parseFloat(style.fontSize), back = ground(behind);
		const [light, dark] = [luminance(over(rgba(color), back)), luminance(back)].sort((a, b) => b - a);
		const ratio = (light + 0.05) / (dark + 0.05), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if (ratio < (large ? 3 : 4.5)) found.set(element.tagName + "." + element.className.toString() + " " + color + " on " + back, ratio.toFixed(2) + " " + text.trim().slice(0, 20));
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; node = walker.nextNode();) {
		const element = node.parentElement;
		if (!node.data.trim() || ["SCRIPT", "STYLE", "TITLE", "DESC"].includes(element.tagName.toUpperCase()) || !element.checkVisibility()) continue;
		const style = getComputedStyle(element);
		check(element, element instanceof SVGElement ? style.fill : style.color, node.data);
	}
	for (const button of document.querySelectorAll("#rows th button")) check(button, getComputedStyle(button, "::after").color, "the arrow");
	for (const input of document.querySelectorAll("input")) check(input, getComputedStyle(input, "::placeholder").color, "the placeholder");
	return [String(texts), ...[...found].map(([what, says]) => what + ": " + says)];
})()`

func TestEachPageIsForScreenReadersAndHasTheContrastOfWCAGAA(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	for name, file := range everyPage(t) {
		c := openFile(ctx, t, file)
		for _, fault := range evaluate[[]string](ctx, t, inaccessible) {
			t.Errorf("%s: %s", name, fault)
		}
		if evaluate[bool](ctx, t, `!!document.querySelector(".matrix")`) { // show the detail
			do(ctx, t, chromedp.Focus(chromedp.CSS(`.matrix td[tabindex="0"]`)), chromedp.KeyEvent(kb.ArrowRight))
		}
		for _, as := range []struct{ theme, kind string }{{"light", "screen"}, {"dark", "screen"}, {"dark", "print"}} {
			media(ctx, t, as.theme, as.kind)
			found := evaluate[[]string](ctx, t, lowContrast)
			for _, text := range found[1:] {
				t.Errorf("%s, %s, %s: too little contrast: %s", name, as.theme, as.kind, text)
			}
			if len(found[0]) < 2 {
				t.Errorf("%s, %s: only %s texts were checked", name, as.theme, found[0])
			}
		}
		media(ctx, t, "light", "")
		c.check(t)
	}
}

// everyPage writes a page of each kind, and returns their files by what they are.
func everyPage(t *testing.T) map[string]string {
	t.Helper()
	before, after := wide(2, 3, 0), wide(2, 3, 3)
	after.Regions = append(after.Regions, wide(3, 1, 0).Regions[2])
	return map[string]string{
		"the record": writePage(t, readRecord(t, fewRecord)), "every status": writePage(t, everyStatus()),
		"a history": writeFile(t, func(w io.Writer) error { return page.History(w, history()) }),
		"a difference": writeFile(t, func(w io.Writer) error {
			return page.Difference(w, difference.Compare(before, after, difference.Comparison{}))
		}),
	}
}

// inaccessible is an expression for what a screen reader would miss.
const inaccessible = `[
		...[...document.querySelectorAll("table")].filter(t => !t.caption?.textContent).map(t => "a table without a caption: " + t.className),
		...[...document.querySelectorAll("th")].filter(h => !h.scope || !h.textContent.trim()).map(h => "a head without a scope or a text: " + h.outerHTML),
		...[...document.querySelectorAll("svg:not([aria-hidden])")].filter(s => !s.querySelector("title")?.textContent || !s.querySelector("desc")?.textContent).map(s => "a picture without a title"),
		...[...document.querySelectorAll(".scroll[tabindex='0'][role], section")].filter(e => !e.ariaLabel && !document.getElementById(e.getAttribute("aria-labelledby"))).map(e => "a part without a name: " + e.outerHTML.slice(0, 80)),
		...[...document.querySelectorAll("section, [role=region]")].map(e => e.ariaLabel || e.getAttribute("aria-labelledby")).filter((name, i, all) => all.indexOf(name) < i).map(name => "two landmarks with one name: " + name),
		...[...document.querySelectorAll("input")].filter(i => !i.labels.length).map(i => "an input without a label"),
		...["header", "main", "footer", "h1", "html[lang]", "output[aria-live]"].filter(s => document.querySelectorAll(s).length != 1).map(s => "not one " + s),
		...[...document.querySelectorAll("[id]")].filter(e => document.querySelectorAll("[id='" + e.id + "']").length > 1).map(e => "an id twice: " + e.id),
		...[...document.querySelectorAll("a[href^='#']")].filter(a => !document.querySelector(a.getAttribute("href"))).map(a => "a link to nothing: " + a.href),
	]`

func TestAPageFitsANarrowScreenAndPaper(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	open(ctx, t, wide(2, 30, 10)).check(t)
	call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 400, Height: 800, DeviceScaleFactor: 1})
	if width := evaluate[int](ctx, t, `document.scrollingElement.scrollWidth`); width > 400 {
		t.Errorf("the page is %d pixels wide on a screen of 400: what is wide must scroll in its box", width)
	}
	media(ctx, t, "dark", "print")
	got := evaluate[[]string](ctx, t, `[".filter", "nav", ".skip"].map(s => getComputedStyle(document.querySelector(s)).display)
		.concat(getComputedStyle(document.querySelector(".tall")).maxHeight, getComputedStyle(document.body).backgroundColor)`)
	if want := []string{"none", "none", "none", "none", "rgb(255, 255, 255)"}; !slices.Equal(got, want) {
		t.Errorf("on paper the page has filter, nav, skip, height, background = %q, want %q", got, want)
	}
	media(ctx, t, "light", "")
	if pdf := call(ctx, t, pages.PrintToPDF, pages.PrintToPDFParams{Landscape: new(true)}); len(pdf.Data) < 10_000 {
		t.Errorf("the printed page has %s bytes", fmt.Sprint(len(pdf.Data)))
	}
	media(ctx, t, "light", "print")
	open(ctx, t, readRecord(t, record)).check(t) // with more columns
	call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 960, Height: 700, DeviceScaleFactor: 1})
	if width := evaluate[int](ctx, t, `document.scrollingElement.scrollWidth`); width > 960 {
		t.Errorf("the page is %d pixels wide on A4 in landscape, 960 pixels", width)
	}
}

// shoot returns a picture of the page as a browser with this window and theme shows it.
func shoot(ctx context.Context, t *testing.T, theme string, width, height int64) []byte {
	t.Helper()
	media(ctx, t, theme, "")
	call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return picture
}
