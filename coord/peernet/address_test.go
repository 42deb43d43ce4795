package peernet

import (
	"slices"
	"testing"
)

// TestDialableAddresses: of the addresses in a handshake, those that mean
// something on another machine.
func TestDialableAddresses(t *testing.T) {
	want := []Address{{"zk1", 3888}, {"2001:db8::1", 3888}, {"10.0.0.1", 1}}
	if got := dialable([]string{"zk1:3888", "[2001:db8::1]:3888", "10.0.0.1:1"}); !slices.Equal(got, want) {
		t.Errorf("dialable are %v, want %v", got, want)
	}
	for _, text := range []string{
		"0.0.0.0:3888", "[::]:3888", "[::ffff:0.0.0.0]:3888", ":3888", "zk1:0", "zk1:65536", "zk1:-1", "zk1", "", "[::1",
	} {
		if got := dialable([]string{text}); len(got) != 0 {
			t.Errorf("%q is dialable as %v", text, got)
		}
	}
	if got := dialable(slices.Repeat([]string{"zk1:3888"}, 3*addressesMax)); len(got) != addressesMax {
		t.Errorf("%d addresses of a handshake are kept, want %d", len(got), addressesMax)
	}
	for _, a := range want {
		if got, err := parseAddress(a.String()); err != nil || got != a {
			t.Errorf("%v comes back as %v, %v", a, got, err)
		}
	}
}
