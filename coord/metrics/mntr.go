package metrics

import (
	"math"
	"strconv"
	"strings"
)

// mntrPrefix begins every line of mntr.
const mntrPrefix = "zk_"

// AppendMntr appends the metric lines of the word mntr, "zk_<name>\t<value>\n"
// each, in the form of ZooKeeper's default metrics provider: integers, averages
// with a fraction, five lines for a basic and nine for an advanced summary. The
// lines before them (version, state) belong to the caller. Our own metrics are
// left out, so that the set of names is ZooKeeper's.
//
// ZooKeeper: MonitorCommand.java, DefaultMetricsProvider.java.
func (s *Set) AppendMntr(dst []byte) []byte {
	s.refreshProcess()
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = s.appendMntrGauges(dst)
	for at, d := range counterTable {
		if !d.own() {
			dst = appendMntrInt(dst, d.name, s.counters[at].Value()-s.counterBase[at])
		}
	}
	for at, d := range keyedCounterTable {
		if d.own() {
			continue
		}
		series := s.keyedCounters[at].all()
		for _, key := range sortedKeys(series) {
			dst = appendMntrInt(dst, keyedName(key, d.name), series[key].Value()-s.keyedBase[at][key])
		}
	}
	for at, d := range summaryTable {
		if !d.own() {
			dst = appendMntrSummary(dst, d.name, s.summaries[at], d.advanced)
		}
	}
	for at, d := range keyedSummaryTable {
		series := s.keyedSummaries[at].all()
		for _, key := range sortedKeys(series) {
			dst = appendMntrSummary(dst, keyedName(key, d.name), series[key], d.advanced)
		}
	}
	return dst
}

func (s *Set) appendMntrGauges(dst []byte) []byte {
	for at, d := range gaugeTable {
		if d.own() || !s.exists(d.scope) {
			continue
		}
		dst = appendMntrInt(dst, d.name, s.gauges[at].Value())
		if GaugeID(at) == NumAliveConnections {
			// Beside the connections, as in ZooKeeper.
			dst = appendMntrFloat(dst, floatGaugeTable[AverageLatency].name, s.floats[AverageLatency].Value())
		}
	}
	if s.exists(ScopeServing) {
		dst = appendMntrFloat(dst, floatGaugeTable[ConnectionDropProbability].name, s.floats[ConnectionDropProbability].Value())
	}
	for at, d := range keyedGaugeTable {
		if d.own() {
			continue
		}
		series := s.keyedGauges[at].all()
		for _, key := range sortedKeys(series) {
			dst = appendMntrInt(dst, keyedName(key, d.name), series[key].Value())
		}
	}
	return dst
}

func appendMntrSummary(dst []byte, name string, summary *Summary, advanced bool) []byte {
	r := summary.sinceReset()
	dst = appendMntrFloat(dst, "avg_"+name, r.average())
	dst = appendMntrInt(dst, "min_"+name, r.least)
	dst = appendMntrInt(dst, "max_"+name, r.most)
	dst = appendMntrInt(dst, "cnt_"+name, r.count)
	dst = appendMntrInt(dst, "sum_"+name, r.sum)
	if !advanced {
		return dst
	}
	for _, p := range []struct {
		prefix string
		share  float64
	}{{"p50_", 0.5}, {"p95_", 0.95}, {"p99_", 0.99}, {"p999_", 0.999}} {
		value, ok := quantile(r.buckets, p.share)
		if ok {
			// The middle of a bucket may lie outside of what was seen.
			value = min(max(value, r.least), r.most)
		}
		dst = appendMntrInt(dst, p.prefix+name, value)
	}
	return dst
}

// keyedName puts the key before the name. Blanks and control characters of a
// znode name would break the line.
func keyedName(key, name string) string {
	clean := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, key)
	return clean + "_" + name
}

func appendMntrInt(dst []byte, name string, n int64) []byte {
	dst = append(append(append(dst, mntrPrefix...), name...), '\t')
	return append(strconv.AppendInt(dst, n, 10), '\n')
}

func appendMntrFloat(dst []byte, name string, f float64) []byte {
	dst = append(append(append(dst, mntrPrefix...), name...), '\t')
	return append(AppendDouble(dst, f), '\n')
}

// AppendDouble appends f the way Java prints a double: "0.0", "12.5",
// "1.0E-4", "1.0E7", "NaN", "Infinity".
//
// Java: Double.toString.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	size := max(f, -f)
	if size == 0 || (size >= 1e-3 && size < 1e7) {
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return append(dst, text...)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	sign := ""
	if exponent[0] == '-' {
		sign = "-"
	}
	return append(dst, mantissa+"E"+sign+strings.TrimLeft(exponent[1:], "0")...)
}
