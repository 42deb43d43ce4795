package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := []struct {
		args  string
		parts []string
		fails string // part of the error
	}{
		{"", parts, ""},
		{"-only memory,load", []string{"load", "memory"}, ""},
		{"-only speed", nil, `"speed" is not one of`},
		{"-servers etcd", nil, `"etcd" is not one of`},
		{"-rounds 0", nil, "must be positive"},
		{"-o xml", nil, "want markdown or json"},
	}
	for _, test := range tests {
		s, err := parse(strings.Fields(test.args), io.Discard)
		switch {
		case test.fails != "":
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%q: %v, want %q", test.args, err, test.fails)
			}
		case err != nil || !slices.Equal(s.parts, test.parts):
			t.Errorf("%q: %v, %v", test.args, s, err)
		}
	}
	s, err := parse([]string{"-seconds", "0.5", "-warmup", "0"}, io.Discard)
	if err != nil || s.seconds != 500*time.Millisecond || orNone(s.warmUp) != -1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestReportJudgesMedians(t *testing.T) {
	r := newReport(&settings{rounds: 3, seconds: time.Second})
	for _, v := range []struct {
		measure     string
		unit        unit
		goal        goal
		java, coord []float64
	}{
		{"throughput", perSecond, atLeast(4), []float64{100, 90, 900}, []float64{500, 1, 600}},
		{"p99", micros, atMost(0.5, "1/2"), []float64{1000}, []float64{600}},
		{"during", times, ownAtMost(3, "3 × at most"), []float64{9}, []float64{2.5}},
		{"dropped", connections, ownAtMost(0, "none"), []float64{6}, []float64{0, 0}},
		{"no target", seconds, goal{}, []float64{1, 2}, []float64{3}},
		{"coord missing", seconds, atMost(1, "1"), []float64{1}, nil},
	} {
		for _, x := range v.java {
			r.add("part", v.measure, v.unit, v.goal, "java", x)
		}
		for _, x := range v.coord {
			r.add("part", v.measure, v.unit, v.goal, "coord", x)
		}
	}
	r.note("a note")
	var text bytes.Buffer
	if err := r.writeMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| part | throughput | 100 /s | 500 /s | 5.00 | ≥ 4 | yes |",
		"| part | p99 | 1.00ms | 600µs | 0.60 | ≤ 1/2 | no |",
		"| part | during | 9.00 × | 2.50 × | 0.28 | 3 × at most | yes |",
		"| part | dropped | 6 | 0 |  | none | yes |",
		"| part | no target | 1.500 s | 3.000 s | 2.00 |  |  |",
		"| part | coord missing | 1.000 s |  |  | ≤ 1 |  |",
		"a note",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, text.String())
		}
	}
	var encoded bytes.Buffer
	if err := r.writeJSON(&encoded); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(encoded.Bytes(), &back); err != nil || len(back.Rows) != 6 || back.Rows[0].Ratio != 5 {
		t.Errorf("JSON does not read back: %v", err)
	}
}

// TestRun goes through every part with little of everything, so that a part that
// breaks is noticed before somebody waits for the whole. Ensembles of Java are slow
// to start: one part stands for all.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		server, parts string
		rows          int
	}{
		{"java", "load,latency,start,memory,snapshot,kafka", 42},
		{"coord", "failover,quorum,kafka,join", 38},
	} {
		t.Run(test.server, func(t *testing.T) {
			dir := t.TempDir()
			var out, progress bytes.Buffer
			args := "-only " + test.parts + " -servers " + test.server +
				" -rounds 1 -seconds 0.3 -warmup 0 -connections 4 -outstanding 4 -znodes 2000 -o json -dir " + dir
			if err := run(t.Context(), strings.Fields(args), &out, &progress); err != nil {
				t.Fatalf("%v\n%s", err, progress.String())
			}
			var r report
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			for _, w := range r.Rows {
				if len(w.Java)+len(w.Coord) == 0 {
					t.Errorf("%s, %s has no figure", w.Part, w.Measure)
				}
				if w.Unit == connections && w.Medians.Coord > 0 {
					t.Errorf("%s: %v", w.Measure, w.Coord)
				}
			}
			if len(r.Rows) != test.rows {
				t.Errorf("%d rows, want %d:\n%s", len(r.Rows), test.rows, progress.String())
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 || err != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestWarnsOfMemoryDisk(t *testing.T) {
	var said bytes.Buffer
	warnOfMemoryDisk(filepath.Join(os.TempDir(), "no", "such"), &said)
	if said.Len() > 0 {
		t.Errorf("warned of a directory that is not there: %s", said.String())
	}
}
