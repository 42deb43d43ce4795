package metrics

import (
	"bytes"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Options tells what the HTTP handler shows.
type Options struct {
	// Runtime adds the process_, go_ and jvm_ families
	// (metricsProvider.exportJvmInfo).
	Runtime bool
	// Refresh, if set, is called before each answer to bring gauges up to date.
	Refresh func()
	// Version and ZooKeeperVersion are the labels of coord_build_info.
	Version          string
	ZooKeeperVersion string
	// Collectors are shown too.
	Collectors []prometheus.Collector
}

// ContentType is the format of every answer. ZooKeeper 3.9 knows no other one,
// and in OpenMetrics its counters would be renamed to end in _total.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Handler answers GET of the metrics page (path /metrics by convention; the
// caller mounts it). TRACE is refused with 403 as in ZooKeeper, other methods
// with 405. The error is a collector that cannot be registered.
func Handler(s *Set, o Options) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	list := append([]prometheus.Collector{NewCollector(s), buildInfo(o)}, o.Collectors...)
	if o.Runtime {
		list = append(list, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newJVMCollector())
	}
	for _, c := range list {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodTrace:
			http.Error(w, "TRACE is not allowed", http.StatusForbidden)
			return
		default:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		if o.Refresh != nil {
			o.Refresh()
		}
		page, err := render(s, registry)
		if err != nil {
			http.Error(w, "cannot collect the metrics: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", ContentType)
		// A scraper that went away is its own problem.
		_, _ = w.Write(page)
	}), nil
}

func render(s *Set, registry *prometheus.Registry) ([]byte, error) {
	families, err := registry.Gather()
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&page, family); err != nil {
			return nil, err
		}
	}
	return s.appendEmptyFamilies(page.Bytes()), nil
}

// appendEmptyFamilies names the keyed metrics that have no series yet, which
// client_golang leaves out and ZooKeeper shows.
func (s *Set) appendEmptyFamilies(page []byte) []byte {
	name := func(table []definition, kind string, size func(at int) int) {
		for at, d := range table {
			if size(at) == 0 {
				page = append(page, "# HELP "+d.name+" "+d.helpText()+"\n# TYPE "+d.name+" "+kind+"\n"...)
			}
		}
	}
	name(keyedCounterTable[:], "counter", func(at int) int { return len(s.keyedCounters[at].all()) })
	name(keyedGaugeTable[:], "gauge", func(at int) int { return len(s.keyedGauges[at].all()) })
	name(keyedSummaryTable[:], "summary", func(at int) int { return len(s.keyedSummaries[at].all()) })
	return page
}

func buildInfo(o Options) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "coord_build_info", Help: "Always 1; the labels tell the versions.",
		ConstLabels: prometheus.Labels{"version": o.Version, "zookeeper_version": o.ZooKeeperVersion, "go_version": runtime.Version()},
	})
	info.Set(1)
	return info
}

// jvmCollector fills the JVM panels of existing dashboards as far as a Go
// process has the thing: heap, threads, garbage collections.
type jvmCollector struct {
	used, committed, most, threads, collections, info *prometheus.Desc
}

func newJVMCollector() *jvmCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &jvmCollector{
		used:        desc("jvm_memory_bytes_used", "Used bytes of a given JVM memory area (here: of the Go heap).", "area"),
		committed:   desc("jvm_memory_bytes_committed", "Committed (bytes) of a given JVM memory area (here: of the Go heap).", "area"),
		most:        desc("jvm_memory_bytes_max", "Max (bytes) of a given JVM memory area (here: the Go memory limit, -1 without one).", "area"),
		threads:     desc("jvm_threads_current", "Current thread count of a JVM (here: goroutines)."),
		collections: desc("jvm_gc_collection_seconds", "Time spent in a given JVM garbage collector in seconds (here: pauses).", "gc"),
		info:        desc("jvm_info", "JVM version info (here: of the Go runtime).", "version", "vendor", "runtime"),
	}
}

// Describe implements prometheus.Collector.
func (c *jvmCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.used, c.committed, c.most, c.threads, c.collections, c.info} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *jvmCollector) Collect(out chan<- prometheus.Metric) {
	samples := []runtimemetrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	runtimemetrics.Read(samples)
	var sizes [2]float64
	for at, sample := range samples {
		if sample.Value.Kind() == runtimemetrics.KindUint64 {
			sizes[at] = float64(sample.Value.Uint64())
		}
	}
	limit := float64(-1)
	if n := debug.SetMemoryLimit(-1); n != math.MaxInt64 {
		limit = float64(n)
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	const area = "heap"
	gauge(c.used, sizes[0], area)
	gauge(c.committed, sizes[0]+sizes[1], area)
	gauge(c.most, limit, area)
	gauge(c.threads, float64(runtime.NumGoroutine()))
	gauge(c.info, 1, runtime.Version(), "Go", runtime.Compiler)
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	out <- prometheus.MustNewConstSummary(c.collections, uint64(stats.NumGC), stats.PauseTotal.Seconds(), nil, "Go")
}

// Names lists every name that the Prometheus view of a set can show, sorted,
// without the runtime families: the list that dashboards are checked against.
func Names() []string {
	names := []string{"coord_build_info"}
	for _, table := range [][]definition{
		counterTable[:], gaugeTable[:], floatGaugeTable[:], summaryTable[:],
		keyedCounterTable[:], keyedGaugeTable[:], keyedSummaryTable[:],
	} {
		for _, d := range table {
			if !d.mntrOnly {
				names = append(names, d.name)
			}
		}
	}
	slices.Sort(names)
	return names
}
