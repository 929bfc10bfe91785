package main

import (
	"strings"
	"testing"
)

func TestEveryMistakeReplacesATextThatItsFileHasOnce(t *testing.T) {
	t.Chdir("../..")
	for _, m := range mutants() {
		if _, err := m.overlay(t.TempDir()); err != nil {
			t.Errorf("%s (%s): %v", m.mistake, m.file, err)
		}
	}
}

func TestFirstFailure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, events, want, err string }{
		{
			name: "the first test that failed",
			events: `{"Action":"run","Test":"TestA"}
{"Action":"fail","Test":"TestA/b"}
{"Action":"fail","Test":"TestA"}`,
			want: "TestA/b",
		},
		{name: "no build", events: `{"Action":"fail","FailedBuild":"p"}`, err: "does not compile"},
		{name: "no test", events: `{"Action":"output","Output":"oh"}`, err: "no test failed, but go test did: oh"},
		{name: "no events", events: `what`, err: "read the events of go test: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := firstFailure(strings.NewReader(test.events))
			message := ""
			if err != nil {
				message = err.Error()
			}
			if got != test.want || !strings.HasPrefix(message, test.err) || (message == "") != (test.err == "") {
				t.Errorf("firstFailure = %q, %q, want %q, %q", got, message, test.want, test.err)
			}
		})
	}
}
