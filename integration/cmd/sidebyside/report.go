package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"kafkacoord/coord/bench"
)

// unit says how a figure is printed.
type unit string

const (
	perSecond   unit = "per second"
	micros      unit = "µs"
	seconds     unit = "s"
	millis      unit = "ms"
	mebibytes   unit = "MiB"
	times       unit = "×"
	connections unit = "connections"
)

// goal is what a ratio has to be, coord's figure divided by Java's, or what coord's
// own figure has to be.
type goal struct {
	least bool // at least bound; else at most
	own   bool // no ratio
	bound float64
	text  string
}

func atLeast(n float64) goal { return goal{least: true, bound: n, text: fmt.Sprintf("≥ %g", n)} }

func atMost(n float64, text string) goal { return goal{bound: n, text: "≤ " + text} }

func ownAtMost(n float64, text string) goal { return goal{own: true, bound: n, text: text} }

// row is one line of the report.
type row struct {
	Part    string    `json:"part"`
	Measure string    `json:"measure"`
	Unit    unit      `json:"unit"`
	Java    []float64 `json:"java,omitempty"`  // a figure each round
	Coord   []float64 `json:"coord,omitempty"` //
	Medians struct {
		Java  float64 `json:"java"`
		Coord float64 `json:"coord"`
	} `json:"medians"`
	Ratio  float64 `json:"ratio,omitempty"`
	Target string  `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`

	goal goal
}

// report collects figures.
type report struct {
	CPUs        int            `json:"cpus"`
	Processor   string         `json:"processor"`
	Rounds      int            `json:"rounds"`
	Seconds     float64        `json:"seconds"`
	Connections int            `json:"connections"`
	Outstanding int            `json:"outstanding"`
	ValueBytes  int            `json:"value_bytes"`
	Znodes      int            `json:"znodes"`
	Rows        []*row         `json:"rows"`
	Runs        []bench.Result `json:"runs"`
	Notes       []string       `json:"notes,omitempty"`
}

func newReport(s *settings) *report {
	return &report{
		CPUs: runtime.NumCPU(), Processor: processor(), Rounds: s.rounds, Seconds: s.seconds.Seconds(),
		Connections: s.connections, Outstanding: s.outstanding, ValueBytes: s.valueBytes, Znodes: s.znodes,
	}
}

// processor is the model name that the kernel tells, "" where it does not.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// add notes one figure of one contestant.
func (r *report) add(part, measure string, u unit, g goal, kind string, value float64) {
	at := slices.IndexFunc(r.Rows, func(w *row) bool { return w.Part == part && w.Measure == measure })
	if at < 0 {
		at = len(r.Rows)
		r.Rows = append(r.Rows, &row{Part: part, Measure: measure, Unit: u, Target: g.text, goal: g})
	}
	w := r.Rows[at]
	if kind == "java" {
		w.Java = append(w.Java, value)
	} else {
		w.Coord = append(w.Coord, value)
	}
}

// note adds a line below the table.
func (r *report) note(format string, values ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, values...))
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// settle computes medians, ratios and verdicts.
func (r *report) settle() {
	for _, w := range r.Rows {
		w.Medians.Java, w.Medians.Coord = median(w.Java), median(w.Coord)
		if w.Medians.Java != 0 && w.Medians.Coord != 0 {
			w.Ratio = w.Medians.Coord / w.Medians.Java
		}
		judged, known := w.Ratio, w.Ratio != 0
		if w.goal.own {
			judged, known = w.Medians.Coord, len(w.Coord) > 0
		}
		if known && w.Target != "" {
			met := judged <= w.goal.bound
			if w.goal.least {
				met = judged >= w.goal.bound
			}
			w.Met = &met
		}
	}
}

func (r *report) writeJSON(out io.Writer) error {
	r.settle()
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (r *report) writeMarkdown(out io.Writer) error {
	r.settle()
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d rounds of %g s; %d connections × %d outstanding, %d-byte values; %d CPUs, %s.\n\n",
		r.Rounds, r.Seconds, r.Connections, r.Outstanding, r.ValueBytes, r.CPUs, r.Processor)
	b.WriteString("| part | measure | Java ZooKeeper | coord | coord / Java | target | met |\n")
	b.WriteString("|---|---|---:|---:|---:|---:|---|\n")
	for _, w := range r.Rows {
		ratio, met := "", ""
		if w.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", w.Ratio)
		}
		if w.Met != nil {
			met = map[bool]string{true: "yes", false: "no"}[*w.Met]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", w.Part, w.Measure,
			w.Unit.print(w.Java), w.Unit.print(w.Coord), ratio, w.Target, met)
	}
	for _, n := range r.Notes {
		b.WriteString("\n" + n + "\n")
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// print is the median of the values; "" of none.
func (u unit) print(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	v := median(values)
	switch u {
	case perSecond:
		return fmt.Sprintf("%.0f /s", v)
	case micros:
		if v < 100 {
			return fmt.Sprintf("%.2fµs", v)
		}
		return bench.Micros(v)
	case seconds:
		return fmt.Sprintf("%.3f s", v)
	case millis:
		return fmt.Sprintf("%.1f ms", v)
	case connections:
		return fmt.Sprintf("%g", v)
	case mebibytes:
		return fmt.Sprintf("%.0f MiB", v)
	}
	return fmt.Sprintf("%.2f %s", v, u)
}
