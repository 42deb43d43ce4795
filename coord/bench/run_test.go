package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kafkacoord/coord/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small are options for a short run that ends by its count.
func small(s *fakeServer, w Workload) Options {
	return Options{
		Address: "fake:2181", Workload: w, Connections: 3, Outstanding: 4, Keys: 500, Children: 20,
		Requests: 600, Duration: time.Minute, WarmUp: -1, Dial: s.dial,
	}
}

func TestEveryWorkloadCountsAndCleansUp(t *testing.T) {
	for _, workload := range Workloads {
		t.Run(string(workload), func(t *testing.T) {
			server := newFakeServer(t)
			o := small(server, workload)
			want := o.Requests
			if workload == Watch {
				o.Requests = 20
				want = 20 * int64(o.Connections)
			}
			if workload == Delete {
				want = int64(o.Keys)
			}
			var started, ended atomic.Int32
			o.AtStart, o.AtEnd = func() { started.Add(1) }, func() { ended.Add(1) }
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests != want || r.Errors != 0 {
				t.Errorf("requests %d, errors %d (%s); want %d and 0", r.Requests, r.Errors, r.errorList(), want)
			}
			if r.Throughput <= 0 || r.Latency.P50 <= 0 || r.Latency.Max < r.Latency.P999*0.99 {
				t.Errorf("figures do not fit together: %+v", r)
			}
			if started.Load() != 1 || ended.Load() != 1 {
				t.Errorf("hooks were called %d and %d times, want once each", started.Load(), ended.Load())
			}
			if left := server.paths(); len(left) > 0 {
				t.Errorf("%d znodes are left, for example %s", len(left), left[0])
			}
			if server.sessions != 0 {
				t.Errorf("%d sessions are left", server.sessions)
			}
		})
	}
}

func TestConnectionsAreDealtToServers(t *testing.T) {
	server := newFakeServer(t)
	o := small(server, Get)
	o.Address = "one:2181, two:2181,three:2181"
	dialled := make(map[string]int)
	var mu sync.Mutex
	o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		dialled[address]++
		return server.dial(ctx, address)
	}
	r, err := Run(t.Context(), o)
	if err != nil || r.Errors != 0 {
		t.Fatal(r, err)
	}
	one, two, three := dialled["one:2181"], dialled["two:2181"], dialled["three:2181"]
	if len(dialled) != 3 || one < two || two == 0 || two != three {
		t.Errorf("connections by server: %v", dialled)
	}
}

func TestRepliesInPieces(t *testing.T) {
	server := newFakeServer(t)
	server.dribble = true
	for _, workload := range []Workload{Get, Multi, Children} {
		o := small(server, workload)
		o.Requests, o.Keys = 50, 20
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 50 || r.Errors != 0 {
			t.Errorf("%s: requests %d, errors %d; want 50 and 0", workload, r.Requests, r.Errors)
		}
	}
}

func TestRepliesLargerThanTheBuffer(t *testing.T) {
	server := newFakeServer(t)
	server.bigReply = true
	o := small(server, Get)
	o.Requests = 40
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 40 || r.Errors != 0 {
		t.Errorf("requests %d, errors %d; want 40 and 0", r.Requests, r.Errors)
	}
}

func TestErrorsAreCountedByCode(t *testing.T) {
	for _, workload := range []Workload{Set, Multi} {
		server := newFakeServer(t)
		server.failSets = wire.BadVersion
		r, err := Run(t.Context(), small(server, workload))
		if err != nil {
			t.Fatal(err)
		}
		if r.Errors != 600 || r.ErrorsByCode[wire.BadVersion.String()] != 600 {
			t.Errorf("%s: errors %v, want 600 × %v", workload, r.ErrorsByCode, wire.BadVersion)
		}
	}
}

func TestRunFails(t *testing.T) {
	refusing := func(context.Context, string) (net.Conn, error) { return nil, errNoServer }
	tests := []struct {
		name   string
		change func(*fakeServer, *Options)
		want   error
	}{
		{"no server", func(_ *fakeServer, o *Options) { o.Dial = refusing }, errNoServer},
		{"session refused", func(s *fakeServer, _ *Options) { s.refuse = true }, ErrRefused},
		{"wrong order", func(s *fakeServer, _ *Options) { s.skipXid = true }, ErrProtocol},
		{"bad length", func(s *fakeServer, _ *Options) { s.badLength = true }, ErrProtocol},
		{"root exists", func(s *fakeServer, o *Options) { o.Root = "/there"; s.nodes["/there"] = nil }, wire.NodeExists},
		{"unknown workload", func(_ *fakeServer, o *Options) { o.Workload = "race" }, ErrOption},
		{"too many connections", func(_ *fakeServer, o *Options) { o.Connections = connectionsMax + 1 }, ErrOption},
		{"negative requests", func(_ *fakeServer, o *Options) { o.Requests = -1 }, ErrOption},
		{"root is the root", func(_ *fakeServer, o *Options) { o.Root = "/" }, ErrOption},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFakeServer(t)
			o := small(server, Get)
			test.change(server, &o)
			if _, err := Run(t.Context(), o); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestConnectionLostInTheMiddle(t *testing.T) {
	server := newFakeServer(t)
	server.closeOn = wire.OpGetData
	_, err := Run(t.Context(), small(server, Get))
	if err == nil {
		t.Fatal("no error though the server closed every connection")
	}
	if left := server.paths(); len(left) > 0 {
		t.Errorf("%d znodes are left, for example %s", len(left), left[0])
	}
}

func TestCancelStopsAndCleansUp(t *testing.T) {
	for _, workload := range []Workload{Mixed, Create, Watch} {
		server := newFakeServer(t)
		ctx, cancel := context.WithCancel(t.Context())
		o := small(server, workload)
		o.Requests = 0
		o.AtStart = cancel
		if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", workload, err, context.Canceled)
		}
		if left := server.paths(); len(left) > 0 {
			t.Errorf("%s: %d znodes are left, for example %s", workload, len(left), left[0])
		}
	}
}

func TestDurationEndsRun(t *testing.T) {
	server := newFakeServer(t)
	o := small(server, Mixed)
	o.Requests, o.Duration, o.WarmUp, o.Ramp = 0, 50*time.Millisecond, 10*time.Millisecond, 10*time.Millisecond
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Seconds > o.Duration.Seconds() {
		t.Errorf("measured for %v s, want no more than %v", r.Seconds, o.Duration)
	}
}

func TestFillAndRemove(t *testing.T) {
	server := newFakeServer(t)
	o := Options{Address: "fake:2181", Dial: server.dial}
	const n = directorySize + 50
	filled, err := Fill(t.Context(), o, n, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(server.paths()); got != n+1+2 {
		t.Errorf("%d znodes after Fill, want %d and the root and 2 directories", got, n)
	}
	if data, ok := server.nodes[filled.Path(n-1)]; !ok || len(data) != 10 {
		t.Errorf("the last znode %s has %q", filled.Path(n-1), data)
	}
	if err := filled.Remove(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if left := server.paths(); len(left) > 0 {
		t.Errorf("%d znodes are left, for example %s", len(left), left[0])
	}
}

func TestMeasureLatency(t *testing.T) {
	server := newFakeServer(t)
	o := small(server, Get)
	o.Requests = 100
	s, err := MeasureLatency(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Reads.Requests != 100 || s.Writes.Requests != 100 || s.Reads.Workload != Get || s.Writes.Workload != Set {
		t.Errorf("got %+v", s)
	}
}

func TestReports(t *testing.T) {
	results := []Result{
		{Workload: Get, Connections: 30, Outstanding: 16, ValueBytes: 100, Requests: 10, Throughput: 12.5, Latency: Latency{P50: 12, P99: 1500, Max: 2e6}},
		{Workload: Set, Errors: 3, ErrorsByCode: map[string]int64{"b": 1, "a": 2}},
	}
	var table bytes.Buffer
	if err := WriteTable(&table, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"workload", "12µs", "1.50ms", "2.00s", "set: 2 × a, 1 × b"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
	var buffer bytes.Buffer
	if err := WriteJSON(&buffer, results); err != nil {
		t.Fatal(err)
	}
	var back []Result
	if err := json.Unmarshal(buffer.Bytes(), &back); err != nil || len(back) != 2 || back[0].Latency != results[0].Latency {
		t.Errorf("JSON does not read back: %v, %+v", err, back)
	}
}
