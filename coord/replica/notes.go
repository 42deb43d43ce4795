package replica

import (
	"context"
	"log/slog"
	"time"

	"kafkacoord/coord/core"
)

const (
	// notesPeriod and notesPerPeriod bound the lines of one text: clients decide
	// how often some of them are due.
	notesPeriod    = 5 * time.Second
	notesPerPeriod = 20
)

// noteLog writes the core's notes to the log, few enough of each kind. It
// belongs to whoever has the turn.
type noteLog struct {
	log  *slog.Logger
	seen map[string]*noteCount // by text; texts are constants of package core
}

type noteCount struct {
	since   time.Time
	written int
	dropped int
}

func (l *noteLog) write(notes []core.Note) {
	if len(notes) == 0 {
		return
	}
	now := time.Now()
	for i := range notes {
		n := &notes[i]
		c := l.seen[n.Text]
		if c == nil {
			c = &noteCount{since: now}
			l.seen[n.Text] = c
		}
		args := n.Args
		if now.Sub(c.since) >= notesPeriod {
			if c.dropped > 0 {
				args = append(args[:len(args):len(args)], "similar_lines_left_out", c.dropped)
			}
			*c = noteCount{since: now}
		}
		if c.written >= notesPerPeriod {
			c.dropped++
			continue
		}
		c.written++
		level := slog.LevelInfo
		if n.Warn {
			level = slog.LevelWarn
		}
		l.log.Log(context.Background(), level, n.Text, args...)
	}
}
