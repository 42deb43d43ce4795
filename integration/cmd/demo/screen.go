package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// The escape sequences used when the output is a terminal.
const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

// lineWidth is where the time of a step stands.
const lineWidth = 64

// screen prints the story: numbered steps with their time, and below each step
// what was seen. As an io.Writer it takes the progress of downloads.
type screen struct {
	out      io.Writer
	terminal bool
	steps    int
	// said collects the lines of the step that is under way: they are
	// printed below its result.
	said []string
}

func newScreen(out *os.File) *screen {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
	return &screen{out: out, terminal: terminal}
}

func (s *screen) color(code, text string) string {
	if !s.terminal {
		return text
	}
	return code + text + plain
}

func (s *screen) print(text string) {
	// The terminal going away is no reason to stop cleaning up.
	_, _ = io.WriteString(s.out, text)
}

func (s *screen) title(text string) {
	s.print("\n" + s.color(bold, text) + "\n\n")
}

// Write shows progress lines at once.
func (s *screen) Write(progress []byte) (int, error) {
	for line := range strings.Lines(string(progress)) {
		s.print(s.color(dim, "      "+strings.TrimRight(line, "\n")) + "\n")
	}
	return len(progress), nil
}

// say adds a line below the step that is under way.
func (s *screen) say(format string, arguments ...any) {
	s.said = append(s.said, fmt.Sprintf(format, arguments...))
}

// step runs one step and prints its name, how it ended and how long it took.
func (s *screen) step(ctx context.Context, name string, do func() error) error {
	s.steps++
	s.said = nil
	start := time.Now()
	err := ctx.Err()
	if err == nil {
		err = do()
	}
	took := time.Since(start).Round(time.Millisecond)
	mark := s.color(green, "ok")
	if err != nil {
		mark = s.color(red, "failed")
	}
	gap := max(1, lineWidth-len(name))
	s.print(fmt.Sprintf("%s %s%s%8s  %s\n", s.color(bold, fmt.Sprintf("%3d.", s.steps)), s.color(bold, name),
		strings.Repeat(" ", gap), took, mark))
	for _, line := range s.said {
		s.print("      " + line + "\n")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (s *screen) end(took time.Duration) {
	s.print(fmt.Sprintf("\n%s\n\n", s.color(green, fmt.Sprintf("Done: %d steps in %.1f s; everything stopped, nothing left behind.", s.steps, took.Seconds()))))
}
