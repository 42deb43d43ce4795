package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"kafkacoord/coord/wire"
)

// Result is what one run measured.
type Result struct {
	Workload    Workload `json:"workload"`
	Address     string   `json:"address"`
	Connections int      `json:"connections"`
	Outstanding int      `json:"outstanding"`
	ValueBytes  int      `json:"value_bytes"`
	// Seconds is the length of the measured part.
	Seconds float64 `json:"seconds"`
	// Requests counts the replies of the measured part, failed ones included;
	// with Watch, the notifications.
	Requests int64 `json:"requests"`
	// Throughput is Requests per second; with Watch, notifications per second
	// of the time that rounds took.
	Throughput float64 `json:"throughput"`
	// Latency is the time from writing a request to reading its reply; with
	// Watch, from writing the change to the last watcher's notification.
	Latency Latency `json:"latency"`
	// Errors counts failed replies, ErrorsByCode each code by its name.
	Errors       int64            `json:"errors"`
	ErrorsByCode map[string]int64 `json:"errors_by_code,omitempty"`
	// GeneratorMicros is the CPU time that this process spent per request, in
	// microseconds; 0 where the system does not tell.
	GeneratorMicros float64 `json:"generator_cpu_micros_per_request"`
}

// Latency summarises a histogram, in microseconds.
type Latency struct {
	Mean float64 `json:"mean_micros"`
	P50  float64 `json:"p50_micros"`
	P90  float64 `json:"p90_micros"`
	P99  float64 `json:"p99_micros"`
	P999 float64 `json:"p999_micros"`
	Max  float64 `json:"max_micros"`
}

// Summary reduces a histogram to the figures of a report.
func (h *Histogram) Summary() Latency {
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return Latency{
		Mean: micros(h.Mean()),
		P50:  micros(h.Quantile(0.50)),
		P90:  micros(h.Quantile(0.90)),
		P99:  micros(h.Quantile(0.99)),
		P999: micros(h.Quantile(0.999)),
		Max:  micros(h.Max()),
	}
}

// summarize merges what the workers have seen. used is the CPU time of this
// process during the measured part.
func summarize(o *Options, workers []*worker, used time.Duration) Result {
	r := Result{
		Workload: o.Workload, Address: o.Address, Connections: o.Connections,
		Outstanding: o.Outstanding, ValueBytes: o.ValueBytes,
	}
	var all Histogram
	var last time.Duration
	for _, w := range workers {
		all.Merge(&w.tally.latency)
		r.Requests += w.tally.requests
		last = max(last, w.tally.last)
		r.addErrors(w.tally.errors)
		r.Seconds = max(r.Seconds, (last - w.schedule.measureFrom).Seconds())
	}
	r.Latency = all.Summary()
	if r.Requests > 0 {
		r.Throughput = float64(r.Requests) / r.Seconds
		r.GeneratorMicros = float64(used.Microseconds()) / float64(r.Requests)
	}
	return r
}

func (r *Result) addErrors(errors map[wire.Code]int64) {
	for code, n := range errors {
		if r.ErrorsByCode == nil {
			r.ErrorsByCode = make(map[string]int64)
		}
		r.ErrorsByCode[code.String()] += n
		r.Errors += n
	}
}

// WriteTable prints results as an aligned table for people.
func WriteTable(out io.Writer, results []Result) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "workload\tconns\tdepth\tbytes\trequests\tper second\tp50\tp90\tp99\tp99.9\tmax\terrors\t")
	for i := range results {
		r := &results[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t%d\t\n",
			r.Workload, r.Connections, r.Outstanding, r.ValueBytes, r.Requests, r.Throughput,
			Micros(r.Latency.P50), Micros(r.Latency.P90), Micros(r.Latency.P99),
			Micros(r.Latency.P999), Micros(r.Latency.Max), r.Errors)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("bench: write the table: %w", err)
	}
	for i := range results {
		if r := &results[i]; r.Errors > 0 {
			if _, err := fmt.Fprintf(out, "%s: %s\n", r.Workload, r.errorList()); err != nil {
				return fmt.Errorf("bench: write the table: %w", err)
			}
		}
	}
	return nil
}

func (r *Result) errorList() string {
	names := make([]string, 0, len(r.ErrorsByCode))
	for name := range r.ErrorsByCode {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = fmt.Sprintf("%d × %s", r.ErrorsByCode[name], name)
	}
	return strings.Join(names, ", ")
}

// WriteJSON prints results as one indented JSON array.
func WriteJSON(out io.Writer, results []Result) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(results); err != nil {
		return fmt.Errorf("bench: write JSON: %w", err)
	}
	return nil
}

// Micros prints a number of microseconds with a unit that fits it.
func Micros(us float64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%.0fµs", us)
	case us < 100_000:
		return fmt.Sprintf("%.2fms", us/1000)
	case us < 1_000_000:
		return fmt.Sprintf("%.0fms", us/1000)
	}
	return fmt.Sprintf("%.2fs", us/1_000_000)
}
