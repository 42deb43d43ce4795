package certify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Status is the outcome of a script, or of all scripts of a Kafka line.
type Status string

const (
	Works   Status = "works"
	Fails   Status = "fails"
	Unknown Status = "unknown" // cut short by the end of the run, not by the server
	Unused  Status = "unused"  // no script of the line was played
)

// Codes for a command to end with.
const (
	ExitWorks   = 0 // every script that was played works
	ExitFails   = 1 // at least one fails
	ExitUnknown = 2 // none fails, but not all could be played to their end
)

// Result is what became of one script.
type Result struct {
	Script string `json:"script"`
	About  string `json:"about"`
	Lines  []Line `json:"lines"`
	Status Status `json:"status"`
	// Step is the one that failed or was cut short; Reason says why. When a
	// value was not as expected, Expected and Got are the two.
	Step     string `json:"step,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
	// Duration is how long the script took, sessions included.
	Duration time.Duration `json:"-"`
}

// newResult judges a script that was played.
func newResult(script Script, p *play, took time.Duration) Result {
	r := Result{Script: script.Name, About: script.About, Lines: script.Lines, Status: Works, Duration: took}
	if p.err == nil {
		return r
	}
	r.Status, r.Step, r.Reason = Fails, p.failedStep, p.err.Error()
	if p.cutShort {
		r.Status = Unknown
	}
	if m, ok := errors.AsType[*Mismatch](p.err); ok {
		r.Expected, r.Got = m.Expected, m.Got
	}
	return r
}

// MarshalJSON adds the duration in milliseconds.
func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	return json.Marshal(struct {
		plain
		DurationMillis int64 `json:"durationMillis"`
	}{plain(r), r.Duration.Milliseconds()})
}

// Report is the outcome of a run.
type Report struct {
	Server  string
	Results []Result
	// Leftover says what the run has made and could not remove; "" if nothing.
	Leftover string
	Elapsed  time.Duration
}

// Line judges a Kafka line: it fails with one of its scripts, and works when all
// that were played do.
func (r *Report) Line(line Line) Status {
	status := Unused
	for _, result := range r.Results {
		if slices.Contains(result.Lines, line) {
			status = worse(status, result.Status)
		}
	}
	return status
}

// worse is the status that counts for two.
func worse(a, b Status) Status {
	for _, s := range []Status{Fails, Unknown, Works} {
		if a == s || b == s {
			return s
		}
	}
	return Unused
}

// ExitCode is ExitWorks, ExitFails or ExitUnknown. What could not be removed
// does not count.
func (r *Report) ExitCode() int {
	status := Unused
	for _, result := range r.Results {
		status = worse(status, result.Status)
	}
	switch status {
	case Fails:
		return ExitFails
	case Works:
		return ExitWorks
	}
	return ExitUnknown
}

// WriteText writes a table of scripts by Kafka lines, then the reason of each
// that does not work.
func (r *Report) WriteText(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d scripts in %v\n\n", r.Server, len(r.Results), r.Elapsed.Round(time.Millisecond))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(first string, at func(Line) string, last string) {
		cells := []string{first}
		for _, line := range Lines() {
			cells = append(cells, at(line))
		}
		fmt.Fprintln(table, strings.Join(append(cells, last), "\t"))
	}
	row("Kafka", func(line Line) string { return string(line) }, "time")
	for _, result := range r.Results {
		row(result.Script, result.on, result.Duration.Round(time.Millisecond).String())
	}
	row("all", func(line Line) string { return cell(r.Line(line)) }, "")
	if err := table.Flush(); err != nil {
		return fmt.Errorf("certify: write the report: %w", err)
	}
	for _, result := range r.Results {
		if result.Status != Works {
			fmt.Fprintf(&text, "\n%s %s\n  %s\n  step: %s\n  %s\n", result.Script, cell(result.Status), result.About, result.Step, result.Reason)
		}
	}
	if r.Leftover != "" {
		fmt.Fprintf(&text, "\n%s\n", r.Leftover)
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("certify: write the report: %w", err)
	}
	return nil
}

// on is the script's cell for a line.
func (r *Result) on(line Line) string {
	if slices.Contains(r.Lines, line) {
		return cell(r.Status)
	}
	return cell(Unused)
}

// cell shows a status in the table, so that what fails meets the eye.
func cell(s Status) string {
	switch s {
	case Fails:
		return "FAILS"
	case Unused:
		return "-"
	}
	return string(s)
}

// lineStatus is one line in the JSON form.
type lineStatus struct {
	Line   Line   `json:"line"`
	Status Status `json:"status"`
}

// WriteJSON writes the report as one object: server, exit code, status by line,
// results. Durations are in milliseconds.
func (r *Report) WriteJSON(w io.Writer) error {
	document := struct {
		Server        string       `json:"server"`
		ExitCode      int          `json:"exitCode"`
		ElapsedMillis int64        `json:"elapsedMillis"`
		Kafka         []lineStatus `json:"kafka"`
		Results       []Result     `json:"results"`
		Leftover      string       `json:"leftover,omitempty"`
	}{
		Server: r.Server, ExitCode: r.ExitCode(), ElapsedMillis: r.Elapsed.Milliseconds(),
		Results: r.Results, Leftover: r.Leftover,
	}
	for _, line := range Lines() {
		document.Kafka = append(document.Kafka, lineStatus{line, r.Line(line)})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("certify: write the report: %w", err)
	}
	return nil
}
