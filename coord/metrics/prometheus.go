package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// refreshProcess sets the gauges that no producer sets.
func (s *Set) refreshProcess() {
	open, limit := fileDescriptors()
	s.gauges[OpenFileDescriptorCount].Set(open)
	s.gauges[MaxFileDescriptorCount].Set(limit)
}

// Collector shows a Set to client_golang under ZooKeeper's 3.9 names: no
// prefix, counters without _total, HELP equal to the name, summaries with the
// median (basic) or the quantiles 0.5, 0.9 and 0.99 (advanced) of the last ten
// minutes, label "key" for keyed ones.
//
// ZooKeeper: PrometheusMetricsProvider.java.
type Collector struct {
	set *Set
	now func() time.Time
	// One description for each row of the tables.
	counters, gauges, floats, summaries        []*prometheus.Desc
	keyedCounters, keyedGauges, keyedSummaries []*prometheus.Desc
}

// NewCollector makes the collector of a set.
func NewCollector(s *Set) *Collector {
	return &Collector{
		set: s, now: time.Now,
		counters: describe(counterTable[:], false), gauges: describe(gaugeTable[:], false),
		floats: describe(floatGaugeTable[:], false), summaries: describe(summaryTable[:], false),
		keyedCounters: describe(keyedCounterTable[:], true), keyedGauges: describe(keyedGaugeTable[:], true),
		keyedSummaries: describe(keyedSummaryTable[:], true),
	}
}

func describe(table []definition, keyed bool) []*prometheus.Desc {
	list := make([]*prometheus.Desc, len(table))
	for at, d := range table {
		var labels []string
		if keyed {
			labels = []string{d.labelName()}
		}
		list[at] = prometheus.NewDesc(d.name, d.helpText(), labels, nil)
	}
	return list
}

func (d *definition) own() bool { return len(d.name) > 6 && d.name[:6] == "coord_" }

func (d *definition) helpText() string {
	if d.help != "" {
		return d.help
	}
	return d.name
}

func (d *definition) labelName() string {
	if d.label != "" {
		return d.label
	}
	return "key"
}

// scale turns a stored number into the exported one.
func (d *definition) scale(n int64) float64 {
	if d.unit != 0 {
		return float64(n) * d.unit
	}
	return float64(n)
}

// Describe sends every description. It implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, list := range [][]*prometheus.Desc{c.counters, c.gauges, c.floats, c.summaries, c.keyedCounters, c.keyedGauges, c.keyedSummaries} {
		for _, desc := range list {
			out <- desc
		}
	}
}

// Collect sends the present values. It implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s := c.set
	s.refreshProcess()
	s.mu.Lock()
	defer s.mu.Unlock()
	send := func(m prometheus.Metric, err error) {
		if err == nil {
			out <- m
		}
	}
	for at, d := range counterTable {
		send(prometheus.NewConstMetric(c.counters[at], prometheus.CounterValue, d.scale(s.counters[at].Value())))
	}
	for at, d := range gaugeTable {
		if s.exists(d.scope) && !d.mntrOnly {
			send(prometheus.NewConstMetric(c.gauges[at], prometheus.GaugeValue, d.scale(s.gauges[at].Value())))
		}
	}
	for at, d := range floatGaugeTable {
		if s.exists(d.scope) {
			send(prometheus.NewConstMetric(c.floats[at], prometheus.GaugeValue, s.floats[at].Value()))
		}
	}
	now := c.now()
	for at := range summaryTable {
		send(constSummary(c.summaries[at], &summaryTable[at], s.summaries[at], now))
	}
	for at, d := range keyedCounterTable {
		for key, counter := range s.keyedCounters[at].all() {
			send(prometheus.NewConstMetric(c.keyedCounters[at], prometheus.CounterValue, d.scale(counter.Value()), key))
		}
	}
	for at, d := range keyedGaugeTable {
		for key, gauge := range s.keyedGauges[at].all() {
			send(prometheus.NewConstMetric(c.keyedGauges[at], prometheus.GaugeValue, d.scale(gauge.Value()), key))
		}
	}
	for at := range keyedSummaryTable {
		for key, summary := range s.keyedSummaries[at].all() {
			send(constSummary(c.keyedSummaries[at], &keyedSummaryTable[at], summary, now, key))
		}
	}
}

func constSummary(desc *prometheus.Desc, d *definition, s *Summary, now time.Time, labels ...string) (prometheus.Metric, error) {
	shares := []float64{0.5}
	if d.advanced {
		shares = []float64{0.5, 0.9, 0.99}
	}
	recent := s.recent(now)
	quantiles := make(map[float64]float64, len(shares))
	for _, share := range shares {
		quantiles[share] = math.NaN()
		if value, ok := quantile(recent, share); ok {
			quantiles[share] = d.scale(value)
		}
	}
	return prometheus.NewConstSummary(desc, uint64(max(0, s.Count())), d.scale(s.Sum()), quantiles, labels...)
}
