package metrics

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func lines(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(raw)), " ", "\x00"))
}

func page(t *testing.T, s *Set, o Options) string {
	t.Helper()
	handler, err := Handler(s, o)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1")
	handler.ServeHTTP(recorder, request)
	body, _ := io.ReadAll(recorder.Body)
	if recorder.Code != http.StatusOK || recorder.Header().Get("Content-Type") != ContentType {
		t.Fatalf("status %d, %s\n%s", recorder.Code, recorder.Header().Get("Content-Type"), body)
	}
	return string(body)
}

// difference between the lists, for messages.
func onlyIn(a, b []string) (only []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			only = append(only, s)
		}
	}
	return only
}

// TestMntrNames compares the names with those that a Java server prints.
func TestMntrNames(t *testing.T) {
	s := NewSet()
	s.SetRole(RoleStandalone)
	var got []string
	for line := range strings.Lines(string(s.AppendMntr(nil))) {
		if !regexp.MustCompile(`^zk_\w+\t[\w.-]+\n$`).MatchString(line) {
			t.Errorf("line %q cannot be parsed by Telegraf", line)
		}
		name, _, _ := strings.Cut(line, "\t")
		got = append(got, name)
	}
	want := lines(t, "testdata/mntr_names_3.9.4_standalone.txt")
	if missing, added := onlyIn(want, got), onlyIn(got, want); len(missing)+len(added) > 0 {
		t.Errorf("missing %q\nadded %q", missing, added)
	}
}

// TestPrometheusTypes compares names and types with those of Java's exporter.
func TestPrometheusTypes(t *testing.T) {
	s := NewSet()
	s.SetRole(RoleStandalone)
	text := page(t, s, Options{})
	var got []string
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(match[1], "coord_") {
			got = append(got, match[1]+"\x00"+match[2])
			if want := "# HELP " + match[1] + " " + match[1] + "\n"; !strings.Contains(text, want) {
				t.Errorf("no line %q", want)
			}
		}
	}
	want := lines(t, "testdata/prometheus_types_3.9.4_standalone.txt")
	if missing, added := onlyIn(want, got), onlyIn(got, want); len(missing)+len(added) > 0 {
		t.Errorf("missing %q\nadded %q", missing, added)
	}
	for _, line := range []string{
		"looking_count 0\n", "fsynctime{quantile=\"0.5\"} NaN\n", "fsynctime_count 0\n", "readlatency{quantile=\"0.99\"} NaN\n",
		"coord_loop_busy_seconds_total 0\n", "znode_count 0\n", "last_client_response_size -1\n", "coord_build_info{",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q", line)
		}
	}
}

func TestValues(t *testing.T) {
	s := NewSet()
	s.SetRole(RoleStandalone)
	s.Counter(ConnectionRejected).Add(3)
	s.Counter(LoopBusyMicros).Add(1_500_000)
	s.Gauge(ZnodeCount).Set(5)
	s.FloatGauge(AverageLatency).Set(0.4286)
	s.KeyedCounter(BadFrames).With("http").Inc()
	s.KeyedSummary(WritePerNamespace).With("brokers").Observe(10)
	r := s.Recorder(ReadLatency)
	for value := range int64(100) {
		r.Observe(value / 10)
	}
	r.Flush()
	text := page(t, s, Options{Version: "1", ZooKeeperVersion: "3.9.4"})
	for _, line := range []string{
		"connection_rejected 3\n", "coord_loop_busy_seconds_total 1.5\n", "znode_count 5\n", "avg_latency 0.4286\n",
		"coord_bad_frames_total{reason=\"http\"} 1\n", "write_per_namespace{key=\"brokers\",quantile=\"0.5\"} 10\n",
		"readlatency{quantile=\"0.5\"} 4\n", "readlatency{quantile=\"0.9\"} 8\n", "readlatency_count 100\n", "readlatency_sum 450\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q", line)
		}
	}
	mntr := string(s.AppendMntr(nil))
	for _, line := range []string{
		"zk_connection_rejected\t3\n", "zk_znode_count\t5\n", "zk_avg_latency\t0.4286\n",
		"zk_avg_readlatency\t4.5\nzk_min_readlatency\t0\nzk_max_readlatency\t9\nzk_cnt_readlatency\t100\nzk_sum_readlatency\t450\n" +
			"zk_p50_readlatency\t4\nzk_p95_readlatency\t9\nzk_p99_readlatency\t9\nzk_p999_readlatency\t9\n",
		"zk_avg_brokers_write_per_namespace\t10.0\n",
	} {
		if !strings.Contains(mntr, line) {
			t.Errorf("mntr has no %q", line)
		}
	}
	s.Reset()
	mntr = string(s.AppendMntr(nil))
	for _, line := range []string{"zk_connection_rejected\t0\n", "zk_max_readlatency\t0\nzk_cnt_readlatency\t0\n", "zk_p99_readlatency\t0\n", "zk_znode_count\t5\n"} {
		if !strings.Contains(mntr, line) {
			t.Errorf("after Reset mntr has no %q", line)
		}
	}
	if text := page(t, s, Options{}); !strings.Contains(text, "connection_rejected 3\n") {
		t.Error("Reset made a Prometheus counter fall")
	}
}

func TestRolesDecideGauges(t *testing.T) {
	for role, want := range map[Role][4]bool{
		// znode_count, quorum_size, leader_uptime, coord_serving
		RoleNone:       {false, false, false, true},
		RoleStandalone: {true, false, false, true},
		RoleReadOnly:   {true, false, false, true},
		RoleFollower:   {true, true, false, true},
		RoleLeader:     {true, true, true, true},
	} {
		s := NewSet()
		s.SetRole(role)
		text := page(t, s, Options{})
		for at, name := range []string{"znode_count", "quorum_size", "leader_uptime", "coord_serving"} {
			if got := strings.Contains(text, "\n"+name+" "); got != want[at] {
				t.Errorf("role %d: %s shown: %v", role, name, got)
			}
		}
		if got := strings.Contains(string(s.AppendMntr(nil)), "zk_followers\t"); got != (role == RoleLeader) {
			t.Errorf("role %d: zk_followers shown: %v", role, got)
		}
	}
}

func TestBuckets(t *testing.T) {
	last := 0
	for value := int64(0); value < 1<<20; value++ {
		at := bucketOf(value)
		if at != last && at != last+1 {
			t.Fatalf("bucket %d of %d follows %d", at, value, last)
		}
		last = at
		middle := bucketMiddle(at)
		if off := max(value-middle, middle-value); off*16 > value && off > 0 {
			t.Fatalf("%d stands for %d", middle, value)
		}
	}
	for _, value := range []int64{-5, math.MinInt64} {
		if bucketOf(value) != 0 {
			t.Errorf("bucket of %d", value)
		}
	}
	if bucketOf(math.MaxInt64) != bucketCount-1 || bucketOf(1<<octaveMax-1) != bucketCount-1 {
		t.Error("the last bucket does not take the largest values")
	}
}

// TestQuantilesForget: an alert must end some time after the slow time ended.
func TestQuantilesForget(t *testing.T) {
	s := newSummary()
	now := time.Unix(1000, 0)
	s.Observe(1000)
	if value, ok := quantile(s.recent(now), 0.5); !ok || value < 900 {
		t.Errorf("first look: %d %v", value, ok)
	}
	for range 4 {
		now = now.Add(windowStep)
		s.recent(now)
	}
	if value, ok := quantile(s.recent(now), 0.5); ok {
		t.Errorf("an old value still counts: %d", value)
	}
	s.Observe(3)
	if value, ok := quantile(s.recent(now), 0.99); !ok || value != 3 {
		t.Errorf("new value: %d %v", value, ok)
	}
}

func TestKeysAreBounded(t *testing.T) {
	s := NewSet()
	family := s.KeyedCounter(QuotaExceededErrorPerNamespace)
	for at := range 3 * KeysMax {
		family.With(fmt.Sprint(at)).Inc()
	}
	if got := len(family.all()); got != KeysMax+1 || family.With(OtherKey).Value() != 2*KeysMax {
		t.Errorf("%d series, %d in the last", got, family.With(OtherKey).Value())
	}
	family.Remove("1")
	s.KeyedGauge(QuotaCountUsagePerNamespace).With("a b\tc\n").Set(1)
	if !strings.Contains(string(s.AppendMntr(nil)), "zk_a_b_c__quota_count_usage_per_namespace\t1\n") {
		t.Error("a key breaks its line")
	}
}

func TestDouble(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.0", 12.5: "12.5", 0.4286: "0.4286", 1e-4: "1.0E-4", 1.5e-4: "1.5E-4", 1e7: "1.0E7", 12345678.5: "1.23456785E7",
		9999999: "9999999.0", -3: "-3.0", 0.001: "0.001", math.Inf(1): "Infinity", math.Inf(-1): "-Infinity", 1e100: "1.0E100",
	} {
		if got := string(AppendDouble(nil, f)); got != want {
			t.Errorf("%v is %s, want %s", f, got, want)
		}
	}
	if got := string(AppendDouble(nil, math.NaN())); got != "NaN" {
		t.Error(got)
	}
}

func TestHandlerMethodsAndRuntime(t *testing.T) {
	s := NewSet()
	refreshed := 0
	handler, err := Handler(s, Options{Runtime: true, Refresh: func() { refreshed++ }})
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]int{http.MethodTrace: 403, http.MethodPost: 405, http.MethodGet: 200} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(method, "/metrics", nil))
		if recorder.Code != want {
			t.Errorf("%s: %d, want %d", method, recorder.Code, want)
		}
		if method != http.MethodGet {
			continue
		}
		for _, name := range []string{`jvm_memory_bytes_used{area="heap"} `, "jvm_memory_bytes_max", "process_open_fds ", "go_goroutines ", `jvm_gc_collection_seconds_count{gc="Go"}`} {
			if !strings.Contains(recorder.Body.String(), "\n"+name) {
				t.Errorf("no %s", name)
			}
		}
	}
	if refreshed != 1 {
		t.Errorf("refreshed %d times", refreshed)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := NewSet()
	s.SetRole(RoleStandalone)
	var producers sync.WaitGroup
	for range 4 {
		producers.Go(func() {
			for value := range int64(2000) {
				s.Summary(FsyncTime).Observe(value)
				s.KeyedSummary(ReadPerNamespace).With("k").Observe(value)
			}
		})
	}
	for range 20 {
		page(t, s, Options{})
		s.AppendMntr(nil)
		s.Reset()
	}
	producers.Wait()
	if got := s.Summary(FsyncTime).Count(); got != 8000 {
		t.Errorf("%d values", got)
	}
}

// TestTables: each name once, each row filled.
func TestTables(t *testing.T) {
	names := Names()
	for at, name := range names {
		if name == "" || at > 0 && names[at-1] == name {
			t.Errorf("name %q is empty or double", name)
		}
	}
}

func BenchmarkRecorder(b *testing.B) {
	s := NewSet()
	r := s.Recorder(ReadLatency)
	for b.Loop() {
		r.Observe(0)
	}
	r.Flush()
}

func BenchmarkObserve(b *testing.B) {
	s := newSummary()
	for b.Loop() {
		s.Observe(3)
	}
}

func TestReplaceKeyedGauge(t *testing.T) {
	s := NewSet()
	s.ReplaceKeyedGauge(LearnerLag, map[string]int64{"1": 5, "2": 0})
	s.ReplaceKeyedGauge(LearnerLag, map[string]int64{"2": 7})
	series := s.keyedGauges[LearnerLag].all()
	if len(series) != 1 || series["2"].Value() != 7 {
		t.Errorf("%d series", len(series))
	}
	if text := string(s.AppendMntr(nil)); strings.Contains(text, "coord_") {
		t.Error("mntr shows a metric that is not ZooKeeper's")
	}
}

// TestRecentQuantile forgets what was before the window.
func TestRecentQuantile(t *testing.T) {
	s := NewSet()
	now := time.Unix(1_000_000, 0)
	if _, ok := s.RecentQuantile(FsyncMicros, 0.99, now); ok {
		t.Error("a quantile of nothing")
	}
	s.Summary(FsyncMicros).Observe(10)
	for range 2 {
		now = now.Add(windowStep)
		s.RecentQuantile(FsyncMicros, 0.99, now)
	}
	s.Summary(FsyncMicros).Observe(3)
	if value, ok := s.RecentQuantile(FsyncMicros, 0.99, now.Add(windowStep)); !ok || value != 3 {
		t.Errorf("%d, %t", value, ok)
	}
}
