package main

import (
	"bytes"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// A file that is too long is refused, not truncated.
func TestAccountsRefusesAFileThatIsTooLong(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("# 111122223333\n"), protocol.MaxRequestBytes/15+1)
	if _, faults := readAccounts(long); len(faults) != 1 || !strings.Contains(faults[0].String(), "1 MiB") {
		t.Errorf("readAccounts(%d bytes) = %v, want a fault of its length", len(long), faults)
	}
}

// A file of aliases of aliases does not take memory without end.
func TestAccountsRefusesABombOfAliases(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c <= 'k'; c++ {
		bomb.WriteString(string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ",") + "]\n")
	}
	if _, faults := readAccounts([]byte(bomb.String())); len(faults) != 1 || !strings.Contains(faults[0].String(), "aliasing") {
		t.Errorf("readAccounts(aliases of aliases) = %v, want a fault", faults)
	}
}

// Whatever the file has, it is read or refused; what is read is a request's accounts.
func FuzzReadAccounts(f *testing.F) {
	for _, seed := range []string{
		"- 012345678901\n", "accounts:\n- {id: 111122223333, tags: {a: b}}\n", `{"accounts": ["111122223333"]}`, "---\n", "a: &a [*a]\n",
		"accounts:\n- {account_id: 1, role: [a, b], regions: [all], vars: {a: b}, tags: [a, {b: c}]}\n", "? [a]\n: b\n", "- !!binary a\n", "<<: {a: b}\n", "- *a\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, faults := readAccounts(data)
		if faults == nil && len(file.accounts) == 0 {
			t.Errorf("readAccounts(%q) has neither accounts nor faults", data)
		}
		_, _ = file.notice(), file.tags()
	})
}
