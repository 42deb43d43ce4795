package replica

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kafkacoord/coord/core"
)

// TestNotesAreBounded: clients cannot fill the log, and what is left out is
// counted.
func TestNotesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := noteLog{log: slog.New(slog.NewTextHandler(&out, nil)), seen: make(map[string]*noteCount)}
		lines := func(text string) int { return strings.Count(out.String(), "msg="+text) }
		flood := func(text string, n int) {
			for range n {
				l.write([]core.Note{{Text: text, Args: []any{"client", "a"}}})
			}
		}
		flood("often", notesPerPeriod+7)
		flood("seldom", 2)
		if lines("often") != notesPerPeriod || lines("seldom") != 2 {
			t.Errorf("%d and %d lines", lines("often"), lines("seldom"))
		}
		time.Sleep(notesPeriod)
		flood("often", 1)
		if lines("often") != notesPerPeriod+1 || !strings.Contains(out.String(), "client=a similar_lines_left_out=7") {
			t.Errorf("%d lines in the next period; what was left out is not counted:\n%s", lines("often"), out.String())
		}
		flood("often", notesPerPeriod)
		time.Sleep(notesPeriod)
		flood("seldom", 1)
		if lines("often") != 2*notesPerPeriod || lines("seldom") != 3 || strings.Count(out.String(), "left_out") != 1 {
			t.Errorf("%d and %d lines:\n%s", lines("often"), lines("seldom"), out.String())
		}
	})
}
