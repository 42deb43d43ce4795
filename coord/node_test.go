package coord_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/store"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// settings is the least configuration of a test's server: a port that the
// system chooses, on the loopback address.
const settings = `dataDir=%s
clientPortAddress=127.0.0.1
coord.listen.randomClientPort=true
tickTime=2000
4lw.commands.whitelist=*
`

func configure(t testing.TB, dir, more string) *config.Config {
	t.Helper()
	cfg, _, err := config.Parse(strings.NewReader(fmt.Sprintf(settings, dir)+more), "test")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func start(t testing.TB, cfg *config.Config, o ...coord.Option) *coord.Node {
	t.Helper()
	node, err := coord.Start(t.Context(), cfg, o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Stop() })
	return node
}

func dial(t testing.TB, node *coord.Node) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Servers: []string{node.ClientAddr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// word asks a four-letter word.
func word(t testing.TB, address, w string) string {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(nc, w); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(nc)
	if err != nil {
		t.Fatalf("%s: %v", w, err)
	}
	return string(answer)
}

func TestRestartKeepsData(t *testing.T) {
	dir := t.TempDir()
	cfg := configure(t, dir, "")
	node := start(t, cfg)
	c := dial(t, node)
	for i := range 100 {
		if _, err := c.Create(t.Context(), "/n"+strconv.Itoa(i), []byte("data"), wire.FlagPersistent, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Create(t.Context(), "/e", nil, wire.FlagEphemeral, nil); err != nil {
		t.Fatal(err)
	}
	session := c.Detach()
	if err := node.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := node.Wait(); err != nil {
		t.Errorf("Wait after Stop: %v", err)
	}

	for range 2 {
		node = start(t, cfg)
		c, err := client.Dial(t.Context(), client.Config{Servers: []string{node.ClientAddr()}, Resume: &session})
		if err != nil {
			t.Fatal(err)
		}
		stat, there, err := c.Exists(t.Context(), "/e", false)
		if err != nil || !there || stat.EphemeralOwner != session.ID {
			t.Errorf("the ephemeral: %+v, there %t, error %v", stat, there, err)
		}
		names, err := c.ChildNames(t.Context(), "/", false)
		if err != nil || len(names) != 100+2 {
			t.Errorf("%d children, error %v", len(names), err)
		}
		if data, _, err := c.Get(t.Context(), "/n99", false); err != nil || string(data) != "data" {
			t.Errorf("data %q, error %v", data, err)
		}
		session = c.Detach()
		node.Snapshot()
		if err := node.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDirectoryIsTaken(t *testing.T) {
	cfg := configure(t, t.TempDir(), "")
	start(t, cfg)
	if node, err := coord.Start(t.Context(), cfg); err == nil {
		_ = node.Stop()
		t.Fatal("two servers write to one directory")
	}
}

// TestLogDirectoryIsTaken: two servers with data of their own must not share a
// log.
func TestLogDirectoryIsTaken(t *testing.T) {
	logs := t.TempDir()
	start(t, configure(t, t.TempDir(), "dataLogDir="+logs+"\n"))
	node, err := coord.Start(t.Context(), configure(t, t.TempDir(), "dataLogDir="+logs+"\n"))
	if err == nil {
		_ = node.Stop()
		t.Fatal("two servers write to one log")
	}
	if !errors.Is(err, syscall.EWOULDBLOCK) || !strings.Contains(err.Error(), logs) {
		t.Errorf("error %v does not say that %s is taken", err, logs)
	}
}

// TestEmptyStartIsRefused: without leave an empty directory is not an empty
// database, and nothing is put there.
func TestEmptyStartIsRefused(t *testing.T) {
	disk := vfs.NewMemory()
	cfg := configure(t, "/data", "db.autocreate=false\n")
	node, err := coord.Start(t.Context(), cfg, coord.WithFS(disk))
	if err == nil {
		_ = node.Stop()
		t.Fatal("it serves an empty database")
	}
	if !errors.Is(err, store.ErrNoSnapshot) || !strings.Contains(err.Error(), "/data/initialize") {
		t.Errorf("error %v does not name the file that allows it", err)
	}
	if files, err := disk.ReadDir("/data/version-2"); err != nil || len(files) > 0 {
		t.Errorf("it left %v, error %v", files, err)
	}
	marker, err := disk.Create("/data/initialize")
	if err != nil {
		t.Fatal(err)
	}
	if err := marker.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, cfg, coord.WithFS(disk))
}

func TestPortIsBusy(t *testing.T) {
	for name, keys := range map[string]string{
		"client":  "clientPort=%d\n",
		"metrics": "metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\nmetricsProvider.httpHost=127.0.0.1\nmetricsProvider.httpPort=%d\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			dir := t.TempDir()
			text := fmt.Sprintf("dataDir=%s\nclientPortAddress=127.0.0.1\n", dir)
			if name == "metrics" {
				text = "dataDir=" + dir + "\n" // and no client port at all
			}
			text += fmt.Sprintf(keys, l.Addr().(*net.TCPAddr).Port)
			cfg, _, err := config.Parse(strings.NewReader(text), "test")
			if err != nil {
				t.Fatal(err)
			}
			_, err = coord.Start(t.Context(), cfg)
			if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), name+" port 127.0.0.1:") {
				t.Errorf("Start: %v", err)
			}
			start(t, configure(t, dir, "")) // nothing is left of the attempt
		})
	}
}

func TestDiskErrorComesFromWait(t *testing.T) {
	disk := vfs.NewFaulty(vfs.NewMemory())
	node := start(t, configure(t, "/data", ""), coord.WithFS(disk))
	c := dial(t, node)
	if _, err := c.Create(t.Context(), "/a", nil, wire.FlagPersistent, nil); err != nil {
		t.Fatal(err)
	}
	disk.Add(vfs.Rule{Op: vfs.OpSync, Path: "log.", Err: syscall.EIO})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	written := make(chan error, 1)
	go func() {
		_, err := c.Create(ctx, "/b", nil, wire.FlagPersistent, nil)
		written <- err
	}()
	if err := node.Wait(); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "sync") {
		t.Errorf("Wait: %v", err)
	}
	cancel()
	if err := <-written; err == nil {
		t.Error("the write was acknowledged")
	}
	if _, err := net.Dial("tcp", node.ClientAddr()); err == nil {
		t.Error("the port is still open")
	}
}

func TestDamagedDataIsNamed(t *testing.T) {
	disk := vfs.NewMemory()
	cfg := configure(t, "/data", "")
	node := start(t, cfg, coord.WithFS(disk))
	c := dial(t, node)
	for i := range 50 {
		if _, err := c.Create(t.Context(), "/n"+strconv.Itoa(i), make([]byte, 1000), wire.FlagPersistent, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := node.Stop(); err != nil {
		t.Fatal(err)
	}
	rotten := vfs.NewFaulty(disk)
	rotten.AddRot(vfs.Rot{Path: "log.1", Offset: 5000, Mask: 0x10})
	_, err := coord.Start(t.Context(), cfg, coord.WithFS(rotten))
	if _, ok := errors.AsType[*store.CorruptionError](err); !ok || !strings.Contains(err.Error(), filepath.Join("version-2", "log.1")) {
		t.Errorf("Start: %v", err)
	}
}

func TestContextEndsTheNode(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	node, err := coord.Start(ctx, configure(t, t.TempDir(), ""))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := node.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
}

// TestStopAnswers stops servers under load: every write that was answered must
// be there afterwards.
func TestStopAnswers(t *testing.T) {
	cfg := configure(t, t.TempDir(), "")
	var mu sync.Mutex // guards answered
	answered := 0
	for round := range 5 {
		node := start(t, cfg)
		c := dial(t, node)
		for i := range 500 {
			r := client.CreateOp(fmt.Sprintf("/r%d-%d", round, i), nil, wire.FlagPersistent, nil)
			c.Go(&r, func(r client.Result) {
				if r.Err == nil {
					mu.Lock()
					defer mu.Unlock()
					answered++
				}
			})
		}
		if err := node.Stop(); err != nil {
			t.Fatal(err)
		}
		c.Detach()
	}
	node := start(t, cfg)
	names, err := dial(t, node).ChildNames(t.Context(), "/", false)
	mu.Lock()
	defer mu.Unlock()
	if err != nil || len(names)-1 < answered {
		t.Errorf("%d nodes, %d creates were answered, error %v", len(names)-1, answered, err)
	}
}

func TestWordsAndMetrics(t *testing.T) {
	cfg := configure(t, t.TempDir(), "")
	cfg.Metrics.Enabled, cfg.Metrics.Host, cfg.Metrics.Port = true, "127.0.0.1", 0
	node := start(t, cfg)
	c := dial(t, node)
	if _, err := c.Create(t.Context(), "/a", []byte("x"), wire.FlagPersistent, nil); err != nil {
		t.Fatal(err)
	}
	for w, want := range map[string]string{
		"ruok": "imok", "srvr": "Mode: standalone", "mntr": "zk_znode_count", "conf": "clientPort=", "cons": "sid=0x",
		"stat": "Node count:", "dump": "Session", "wchs": "0 connections watching 0 paths", "isro": "rw", "envi": "zookeeper.version",
	} {
		if got := word(t, node.ClientAddr(), w); !strings.Contains(got, want) {
			t.Errorf("%s: %q", w, got)
		}
	}
	// The connections of the words end a moment after their answers.
	wanted := []string{"\nznode_count 6\n", "\nproposal_count 2\n", "\nnum_alive_connections 1\n"}
	text := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text = get(t, "http://"+node.MetricsAddr()+"/metrics")
		if !slices.ContainsFunc(wanted, func(want string) bool { return !strings.Contains(text, want) }) {
			return
		}
	}
	t.Errorf("metrics lack one of %q:\n%s", wanted, text)
}

func get(t testing.TB, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConfigurationsThatAreNotServedYet(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "myid"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const ensemble = "initLimit=10\nsyncLimit=5\nserver.1=127.0.0.1:1:2\nserver.2=127.0.0.1:3:4\nserver.3=127.0.0.1:5:6\n"
	for more, want := range map[string]string{
		"secureClientPort=2281\n":                         "does not serve TLS",
		ensemble + "sslQuorum=true\n":                     "sslQuorum: this version has no TLS between servers",
		ensemble + "sslQuorum=true\nportUnification=true": "sslQuorum: this version has no TLS between servers",
		ensemble + "quorum.auth.enableSasl=true":          "quorum.auth.enableSasl: this version has no SASL between servers",
		ensemble + "quorum.auth.serverRequireSasl=true":   "quorum.auth.serverRequireSasl: this version has no SASL between servers",
		ensemble + "quorum.auth.learnerRequireSasl=true":  "quorum.auth.learnerRequireSasl: this version has no SASL between servers",
	} {
		node, err := coord.Start(t.Context(), configure(t, dir, more), coord.WithFS(vfs.NewMemory()))
		if err == nil {
			_ = node.Stop()
			t.Errorf("%q is served", more)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", more, err, want)
		} else if config.ExitCode(err) != config.ExitInvalidInvocation {
			t.Errorf("%q ends the process with %d", more, config.ExitCode(err))
		}
	}
}

func TestLogLines(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	handler := slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), nil)
	node := start(t, configure(t, t.TempDir(), ""), coord.WithLogger(slog.New(handler)))
	if err := node.Stop(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"recovered data", "serving clients", "address=" + node.ClientAddr()} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no line with %q in\n%s", want, &log)
		}
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
