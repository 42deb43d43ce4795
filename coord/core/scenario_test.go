package core

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the server did into testdata/*.txt; review the difference")

// TestScenarios runs the files in testdata. A file is a list of turns: the
// input of the turn, one event a line, a line "----", and everything that the
// server did in answer, up to an empty line. Lines with # are comments.
//
// Input (see script_test.go for every word): "open A" and "close A", "A connect",
// "A create /a x", "durable" (the log has synced all it was given), "after 500"
// (ms pass). A connection's lines of one turn are one batch.
//
// Output: "log" lines for transactions, "A <-" for each frame that A gets,
// "A paused" when its batch is not released in the turn, "A resumed" when an
// earlier one is, "A closed", and "note" for log lines.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newScript(t).run(string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if again := newScript(t).run(string(text)); again != got {
				t.Errorf("two runs differ:\n%s", firstDifference(got, again))
			}
			if got != string(text) {
				t.Errorf("%s: %s", file, firstDifference(string(text), got))
			}
		})
	}
}

// firstDifference shows the turn in which two runs part.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			from := max(i-6, 0)
			return "line " + itoa(i+1) + "\nwant\n  " + strings.Join(w[from:min(i+6, len(w))], "\n  ") +
				"\ngot\n  " + strings.Join(g[from:min(i+6, len(g))], "\n  ")
		}
	}
	return "one has more lines than the other"
}
