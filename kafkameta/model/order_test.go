package model

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestImmutableMapOrder(t *testing.T) {
	content, err := os.ReadFile("testdata/scala-map-order.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")[1:]
	if len(lines) != 8 {
		t.Fatalf("%d maps, want 8", len(lines))
	}
	for _, line := range lines {
		v, err := parseJSON([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]string, len(v.members))
		inserted := make([]string, len(v.members))
		for i, m := range v.members {
			want[i] = m.key
			place, err := strconv.Atoi(string(m.value.text))
			if err != nil {
				t.Fatal(err)
			}
			inserted[place] = m.key
		}
		if got := scalaMapOrder(inserted); !slices.Equal(got, want) {
			t.Errorf("%d keys come as\n%v, in Scala as\n%v", len(want), got, want)
		}
	}
}

func TestJavaHash(t *testing.T) {
	for key, want := range map[string]uint32{
		"": 0, "a": 97, "version": 351608024, "\u00e9": 0xe9, "\U0001F600": 1772899, "AaAa": 2031744, "BBBB": 2031744,
	} {
		if got := javaHash(key); got != want {
			t.Errorf("hash of %q is %d, in Java %d", key, got, want)
		}
	}
}
