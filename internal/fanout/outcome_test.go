package fanout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/fanout"
)

// declared returns the values of the string constants in the package's source
// for which is says yes, in the order of the files and of their lines.
func declared(t *testing.T, is func(name string, kind ast.Expr) bool) []string {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				values = append(values, valuesOf(t, spec.(*ast.ValueSpec), is)...)
			}
		}
	}
	return values
}

func valuesOf(t *testing.T, spec *ast.ValueSpec, is func(name string, kind ast.Expr) bool) []string {
	t.Helper()
	var values []string
	for i, name := range spec.Names {
		if !is(name.Name, spec.Type) {
			continue
		}
		literal, ok := spec.Values[i].(*ast.BasicLit)
		if !ok {
			t.Fatalf("constant %s is not a literal", name)
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatalf("constant %s: %v", name, err)
		}
		values = append(values, value)
	}
	return values
}

func TestStatusesReturnsEveryStatusThereIs(t *testing.T) {
	t.Parallel()
	want := declared(t, func(_ string, kind ast.Expr) bool {
		ident, ok := kind.(*ast.Ident)
		return ok && ident.Name == "Status"
	})
	var got []string
	for _, s := range fanout.Statuses() {
		got = append(got, string(s))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Statuses() against the constants (-want +got):\n%s", diff)
	}
	if len(want) != 6 {
		t.Errorf("%d constants of type Status, want 6: SUCCEEDED FAILED TIMED_OUT ABORTED NOT_STARTED SKIPPED", len(want))
	}
}

// The names are those of the language, so each is what its constant is called.
func TestTheErrorNamesAreThoseOfTheLanguage(t *testing.T) {
	t.Parallel()
	got := declared(t, func(name string, _ ast.Expr) bool { return strings.HasPrefix(name, "Name") })
	if diff := cmp.Diff([]string{
		"States.ALL",
		"States.TaskFailed",
		"States.Timeout",
		"States.ExceedToleratedFailureThreshold",
		"States.DataLimitExceeded",
		"States.Runtime",
	}, got); diff != "" {
		t.Errorf("constants Name... (-want +got):\n%s", diff)
	}
}

func TestStartedAndElapsedSpanAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		outcomes, _ := fanout.Map(t.Context(), fanout.Policy{MaxConcurrency: 1, Retry: always(2)}, []item{
			ok(time.Second, "a"),
			inTurn(fail(time.Second, named("A")), fail(time.Second, named("A")), ok(time.Second/2, "b")),
		}, play)
		for i, want := range []struct{ started, elapsed time.Duration }{
			{0, time.Second},
			{time.Second, 5500 * time.Millisecond}, // with waits of 1 s and 2 s
		} {
			o := outcomes[i]
			if got := o.Started().Sub(start); got != want.started {
				t.Errorf("item %d: Started() = %v after the start, want %v", i, got, want.started)
			}
			if o.Elapsed != want.elapsed {
				t.Errorf("item %d: Elapsed = %v, want %v", i, o.Elapsed, want.elapsed)
			}
		}
		if got := (fanout.Outcome[string]{}).Started(); !got.IsZero() {
			t.Errorf("Started() without an attempt = %v, want the zero time", got)
		}
	})
}
