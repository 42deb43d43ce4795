package certify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kafkacoord/compat/certify"
	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/javazk"
)

// tickTime is short so that the session that is to expire does so soon: two
// ticks are the shortest timeout.
const tickTime = "tickTime=500"

// startCoord starts a server in this process whose files are in memory.
func startCoord(t *testing.T) (address string) {
	t.Helper()
	text := "dataDir=/data\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n" + tickTime + "\n"
	cfg, _, err := config.Parse(strings.NewReader(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	node, err := coord.Start(t.Context(), cfg, coord.WithFS(vfs.NewMemory()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(); err != nil {
			t.Error(err)
		}
	})
	return node.ClientAddr()
}

// run certifies a server and shows the report when the test fails.
func run(t *testing.T, options certify.Options) *certify.Report {
	t.Helper()
	report, err := certify.Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		var text bytes.Buffer
		if err := report.WriteText(&text); err != nil {
			t.Error(err)
		}
		t.Log(text.String())
	})
	return report
}

func TestServersPass(t *testing.T) {
	t.Run("coord", func(t *testing.T) { certified(t, startCoord(t)) })
	// The oldest knows none of the operations that Kafka does without.
	for _, version := range []string{"3.4.14", javazk.Newest} {
		t.Run("java "+version, func(t *testing.T) {
			server := javazk.StartTest(t, javazk.Options{
				Version: version,
				Config:  []string{tickTime, "forceSync=no", "maxClientCnxns=60"}, Flags: []string{"-Xmx256m", "-XX:TieredStopAtLevel=1"},
			})
			certified(t, server.Connect())
		})
	}
}

// certified expects that everything works on a server and that nothing is left.
func certified(t *testing.T, address string) {
	t.Helper()
	before := children(t, address, "/")
	report := run(t, certify.Options{Server: address})
	for _, line := range certify.Lines() {
		if status := report.Line(line); status != certify.Works {
			t.Errorf("Kafka %s: %s", line, status)
		}
	}
	if len(report.Results) != len(certify.Scripts()) || report.ExitCode() != certify.ExitWorks || report.Leftover != "" {
		t.Errorf("%d results, exit code %d, left over: %s", len(report.Results), report.ExitCode(), report.Leftover)
	}
	if after := children(t, address, "/"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("children of / were %v and are %v", before, after)
	}
	t.Logf("%d scripts in %v", len(report.Results), report.Elapsed.Round(time.Millisecond))
}

func children(t *testing.T, address, path string) []string {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Servers: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	names, _, err := c.Children(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunLooksOnlyWhereItCan(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	silent := listener.Addr().String()
	for _, c := range []struct {
		name    string
		options certify.Options
		want    error
	}{
		{"no server", certify.Options{}, certify.ErrOptions},
		{"unknown script", certify.Options{Server: silent, Scripts: []string{"watch-semantic"}}, certify.ErrOptions},
		{"bad chroot", certify.Options{Server: silent, Chroot: "kafka"}, certify.ErrOptions},
		{"too much at once", certify.Options{Server: silent, Parallel: 65}, certify.ErrOptions},
		{"negative timeout", certify.Options{Server: silent, StepTimeout: -1}, certify.ErrOptions},
		{"silent server", certify.Options{Server: silent, Timeout: 100 * time.Millisecond}, certify.ErrTimeout},
		{"missing chroot", certify.Options{Server: startCoord(t), Chroot: "/kafka"}, wire.NoNode},
	} {
		t.Run(c.name, func(t *testing.T) {
			if report, err := certify.Run(t.Context(), c.options); !errors.Is(err, c.want) || report != nil {
				t.Fatalf("report %v, error %v, want %v", report, err, c.want)
			}
		})
	}
}

// A run that is called off says of no script that it fails, and leaves nothing.
func TestRunCalledOff(t *testing.T) {
	server := startCoord(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	proxy := startProxy(t, server, breakage{request: func(r *wire.Request) bool {
		if strings.HasSuffix(r.Path, "/brokers/seqid") {
			cancel()
		}
		return false
	}})
	before := children(t, server, "/")
	report, err := certify.Run(ctx, certify.Options{
		Server: proxy, Parallel: 1, Scripts: []string{"session-close", "broker-start", "controller-fencing"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []certify.Status
	for _, r := range report.Results {
		got = append(got, r.Status)
	}
	unknown := 0
	for _, status := range got {
		if status == certify.Fails {
			t.Errorf("statuses %v: a script that was cut short does not fail", got)
		}
		if status == certify.Unknown {
			unknown++
		}
	}
	if unknown == 0 || report.ExitCode() != certify.ExitUnknown {
		t.Errorf("statuses %v, exit code %d", got, report.ExitCode())
	}
	if after := children(t, server, "/"); len(after) != len(before) || report.Leftover != "" {
		t.Errorf("children of / were %v and are %v; left over: %s", before, after, report.Leftover)
	}
}

// The run keeps below its chroot and uses the given way to connect.
func TestRunInsideChroot(t *testing.T) {
	server := startCoord(t)
	c, err := client.Dial(t.Context(), client.Config{Servers: []string{server}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Create(t.Context(), "/kafka", nil, wire.FlagPersistent, nil); err != nil {
		t.Fatal(err)
	}
	outside := children(t, server, "/")
	var dialled atomic.Int64
	report := run(t, certify.Options{
		Server: "the server", Chroot: "/kafka", Scripts: []string{"chroot-creation", "session-reconnect", "acl-set"},
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			dialled.Add(1)
			if address != "the server" {
				t.Errorf("dialled %q", address)
			}
			return new(net.Dialer).DialContext(ctx, "tcp", server)
		},
	})
	if report.ExitCode() != certify.ExitWorks || len(report.Results) != 3 || report.Leftover != "" {
		t.Errorf("exit code %d, left over: %s", report.ExitCode(), report.Leftover)
	}
	if dialled.Load() == 0 {
		t.Error("Options.Dial was not used")
	}
	_, stat, err := c.Children(t.Context(), "/kafka", false)
	if err != nil {
		t.Fatal(err)
	}
	// One create and one delete: the run's own root.
	if stat.Cversion != 2 || stat.NumChildren != 0 {
		t.Errorf("/kafka has cversion %d and %d children, want 2 and 0", stat.Cversion, stat.NumChildren)
	}
	if after := children(t, server, "/"); len(after) != len(outside) {
		t.Errorf("children of / were %v and are %v", outside, after)
	}
}

// Every Kafka line has scripts, and every script a name, a sentence and lines.
func TestScriptsAreComplete(t *testing.T) {
	names := make(map[string]bool)
	uses := make(map[certify.Line]int)
	for _, s := range certify.Scripts() {
		if names[s.Name] || s.Name == "" || s.About == "" || len(s.Lines) == 0 {
			t.Errorf("script %q: twice, or without a sentence or lines", s.Name)
		}
		names[s.Name] = true
		for _, line := range s.Lines {
			uses[line]++
		}
	}
	for _, line := range certify.Lines() {
		if uses[line] < 10 {
			t.Errorf("Kafka %s has %d scripts", line, uses[line])
		}
	}
}
