package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kafkacoord/coord"
	"kafkacoord/coord/config"
)

// run executes one command line.
func run(ctx context.Context, args ...string) (out, log string, err error) {
	var stdout, stderr bytes.Buffer
	c := command()
	c.SetArgs(args)
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	err = c.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

// exitCode is what main would end with.
func exitCode(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	}
	return 1
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVersion(t *testing.T) {
	out, _, err := run(t.Context(), "version")
	if err != nil || !strings.HasPrefix(out, "coord ") || !strings.Contains(out, "ZooKeeper compatibility: 3.") {
		t.Errorf("%q, error %v", out, err)
	}
}

func TestServeExitCodes(t *testing.T) {
	damaged := t.TempDir()
	if err := os.MkdirAll(filepath.Join(damaged, "version-2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "version-2", "snapshot.5"), []byte("ZKSN, and then nothing that belongs there \x00\x00\x00\x01/"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	file := writeFile(t, "a-file", "not a directory")

	taken := t.TempDir()
	cfg, _, err := config.Parse(strings.NewReader("dataDir="+taken+"\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	node, err := coord.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Stop() }()

	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no such file":     {[]string{"--config", "/nowhere/zoo.cfg"}, 2, "/nowhere/zoo.cfg"},
		"bad value":        {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir=/tmp/x\nclientPort=many\n")}, 2, "clientPort"},
		"no dataDir":       {[]string{"--config", writeFile(t, "zoo.cfg", "clientPort=2181\n")}, 2, "dataDir"},
		"bad log level":    {[]string{"--log-level", "loud"}, 2, "--log-level"},
		"bad log format":   {[]string{"--log-format", "xml"}, 2, "--log-format"},
		"damaged data":     {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir="+damaged+"\ncoord.listen.randomClientPort=true\n")}, 3, "snapshot.5"},
		"dataDir a file":   {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir="+file+"\ncoord.listen.randomClientPort=true\n")}, 3, "a-file"},
		"directory in use": {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir="+taken+"\ncoord.listen.randomClientPort=true\n")}, 3, "in use by another server"},
		"sasl asked for":   {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir=/tmp/x\nauthProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n")}, 2, "SASL is not served"},
		"tls asked for":    {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir=/tmp/x\nsecureClientPort=2281\n")}, 2, "does not serve TLS"},
		"unknown flag":     {[]string{"--no-such-flag"}, 2, "--no-such-flag"},
		"port in use":      {[]string{"--config", writeFile(t, "zoo.cfg", fmt.Sprintf("dataDir=%s\nclientPortAddress=127.0.0.1\nclientPort=%d\n", t.TempDir(), port))}, 1, "client port"},
		"no autocreation":  {[]string{"--config", writeFile(t, "zoo.cfg", "dataDir=/nowhere/data\nclientPort=2181\n"), "-Dzookeeper.datadir.autocreate=false"}, 3, "/nowhere/data"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, log, err := run(ctx, append([]string{"serve"}, c.args...)...)
			if ctx.Err() != nil {
				t.Fatal("it serves")
			}
			if got := exitCode(err); got != c.code || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("exit code %d, error %v; want %d and %q\n%s", got, err, c.code, c.says, log)
			}
		})
	}
}

// TestConfigWarnings: what is written for nothing is named once, and the
// built-in configuration gives no cause for a warning.
func TestConfigWarnings(t *testing.T) {
	for _, name := range []string{"KAFKA_OPTS", "JVMFLAGS", "SERVER_JVMFLAGS"} {
		t.Setenv(name, "")
	}
	for path, want := range map[string]string{
		"": "",
		writeFile(t, "zoo.cfg", "dataDir=/d\n4lw.commands.whitelist=ruok, srrv, mnrt\n"): "mnrt, srrv",
		writeFile(t, "zoo.cfg", "dataDir=/d\n4lw.commands.whitelist=*\n"):                "",
	} {
		var log bytes.Buffer
		if _, err := readConfig(path, nil, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(log.String(), "\n")
		if want == "" && lines != 0 || want != "" && (lines != 1 || !strings.Contains(log.String(), want)) {
			t.Errorf("%q logs %q, want one line with %q or none", path, log.String(), want)
		}
	}
}

func TestUnknownFlagsAndCommands(t *testing.T) {
	for _, args := range [][]string{{"serve", "--no-such-flag"}, {"no-such-command"}, {"version", "surplus"}} {
		if _, _, err := run(t.Context(), args...); err == nil {
			t.Errorf("%q passes", args)
		}
	}
}

// TestServe runs a server by its command line until it is told to stop.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := &syncedBuffer{}
	c := command()
	c.SetArgs([]string{"serve", "--log-format", "json", "--config", writeFile(t, "zoo.cfg",
		"dataDir="+t.TempDir()+"\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n4lw.commands.whitelist=srvr\n")})
	c.SetOut(io.Discard)
	c.SetErr(log)
	done := make(chan error, 1)
	go func() { done <- c.ExecuteContext(ctx) }()

	address := ""
	for deadline := time.Now().Add(20 * time.Second); address == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no port in the log:\n%s", log)
		}
		for line := range strings.Lines(log.String()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err == nil && fields["msg"] == "serving clients" {
				address = fields["address"].(string)
			}
		}
	}
	out, _, err := run(t.Context(), "status", "--server", address)
	if err != nil || !strings.Contains(out, "standalone") || !strings.Contains(out, "add memb to 4lw.commands.whitelist") {
		t.Errorf("status: %q, error %v", out, err)
	}
	out, _, err = run(t.Context(), "status", "--server", address, "-o", "json")
	var answer ensembleStatus
	if err != nil || json.Unmarshal([]byte(out), &answer) != nil || answer.Members[0].Role != "standalone" || answer.Members[0].Zxid != "0x0" {
		t.Errorf("status as json: %q, error %v", out, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, _, err := run(t.Context(), "status", "--server", address); exitCode(err) != 2 {
		t.Errorf("status of a server that is gone: %v", err)
	}
}

// syncedBuffer is a buffer for two goroutines.
type syncedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
