package model

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden is one payload of the files in testdata.
type golden struct {
	file, path string
	data       []byte // nil where the line has none
}

// readGolden reads all payloads that Kafka's own encoders wrote.
func readGolden(t testing.TB) []golden {
	t.Helper()
	files, err := filepath.Glob("testdata/kafka-*.txt")
	if err != nil || len(files) != 5 {
		t.Fatalf("found %v, %v; want 5 files of golden payloads", files, err)
	}
	var all []golden
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(content), "\n"), "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			path, payload, found := strings.Cut(line, "\t")
			if !found {
				t.Fatalf("%s: line without a tab: %q", file, line)
			}
			g := golden{file: filepath.Base(file), path: path}
			if payload != "" {
				g.data = []byte(payload)
			}
			all = append(all, g)
		}
	}
	return all
}

func (g golden) parse(t testing.TB) Value {
	t.Helper()
	n, err := Classify(g.path)
	if err != nil || n.Kind == Unknown {
		t.Fatalf("%s: %s is %v, %v", g.file, g.path, n, err)
	}
	v, err := Parse(g.path, n.Kind, g.data)
	legal := err == nil || readable(err) && string(g.data) == "{}" // Kafka reads a topic without looking for a version
	switch {
	case !legal:
		t.Fatalf("%s: %s: %v\n%s", g.file, g.path, err, g.data)
	case v.Kind() != n.Kind:
		t.Fatalf("%s: %s gives a %v", g.file, g.path, v.Kind())
	}
	return v
}

func TestGoldenPayloadsComeBackUnaltered(t *testing.T) {
	for _, g := range readGolden(t) {
		encoded, err := g.parse(t).Encode()
		if err != nil || !bytes.Equal(encoded, g.data) || (encoded == nil) != (g.data == nil) {
			t.Errorf("%s: %s comes back as %s, %v\nwant %s", g.file, g.path, encoded, err, g.data)
		}
	}
}

func TestFreshPayloadsAreAsKafkaWritesThem(t *testing.T) {
	for _, g := range readGolden(t) {
		if g.file == "kafka-legacy.txt" {
			continue // white space and key order of encoders that no release since 1.1 has
		}
		fresh := encodeFresh(t, g.parse(t))
		if g.file == "kafka-3.9.1.txt" || g.file == "kafka-2.8.2.txt" {
			if !bytes.Equal(fresh, g.data) {
				t.Errorf("%s: %s is written as\n%s, Kafka writes\n%s", g.file, g.path, fresh, g.data)
			}
			continue
		}
		// Scala 2.11 and 2.12 order their maps in another way.
		if got, want := normalize(t, fresh), normalize(t, g.data); got != want {
			t.Errorf("%s: %s is written as\n%s, Kafka writes\n%s", g.file, g.path, got, want)
		}
	}
}

// encodeFresh encodes the typed fields as if they had never been parsed.
func encodeFresh(t testing.TB, v Value) []byte {
	t.Helper()
	switch v := v.(type) {
	case document:
		return appendJSON(nil, v.document())
	case text:
		return []byte(v.text())
	}
	t.Fatalf("%T has no fresh form", v)
	return nil
}

// normalize gives JSON with sorted keys.
func normalize(t testing.TB, data []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

func TestEveryParsedKindHasAGoldenPayload(t *testing.T) {
	seen := map[Kind]bool{}
	for _, g := range readGolden(t) {
		seen[g.parse(t).Kind()] = true
	}
	for kind := range kindCount {
		v, _ := Parse("/path", kind, nil)
		if _, opaque := v.(*Opaque); !opaque && !seen[kind] {
			t.Errorf("no golden payload of a %v", kind)
		}
	}
}
