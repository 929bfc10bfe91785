package cold

import "testing"

func TestTheInitsOfPackagesAreReadFromTheTrace(t *testing.T) {
	t.Parallel()
	var i inits
	for _, part := range []string{
		"init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs\ninit runt",
		"ime @0.05 ms, 0.25 ms clock, 0 bytes, 0 allocs\n", `{"msg":"init of nothing"}` + "\n",
		"init net/http @1.2 ms, 0.5 ms clock, 4128 bytes, 20 allocs\n",
	} {
		if n, err := i.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", part, n, err)
		}
	}
	if i.ms != 0.75 {
		t.Errorf("the inits take %v ms, want 0.75 ms", i.ms)
	}
	if i.first.IsZero() || i.last.Before(i.first) {
		t.Errorf("the first line came %v, the last %v", i.first, i.last)
	}
}
