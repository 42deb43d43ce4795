package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"kafkacoord/integration/javazk"
)

// variant is one golden directory.
type variant struct {
	name    string
	version string
	flags   []string
}

// Small steps, so that the files are small and there are several of each kind.
var commonFlags = []string{
	"-Xmx256m", "-Dzookeeper.preAllocSize=64", "-Dzookeeper.snapCount=30", "-Dzookeeper.extendedTypesEnabled=true",
}

var variants = []variant{
	{name: "3.4.14", version: "3.4.14"},
	{name: "3.5.10", version: "3.5.10"},
	{name: "3.8.4", version: "3.8.4"},
	{name: "3.9.4", version: "3.9.4"},
	{name: "3.9.4-gz", version: "3.9.4", flags: []string{"-Dzookeeper.snapshot.compression.method=gz"}},
	{name: "3.9.4-snappy", version: "3.9.4", flags: []string{"-Dzookeeper.snapshot.compression.method=snappy"}},
	{name: "3.9.4-no-digest", version: "3.9.4", flags: []string{"-Dzookeeper.digest.enabled=false"}},
}

func main() {
	out := flag.String("out", "coord/store/testdata/golden", "directory for the results")
	only := flag.String("only", "", "make this variant only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, v := range variants {
		if only != "" && only != v.name {
			continue
		}
		if err := v.generate(ctx, out); err != nil {
			return fmt.Errorf("golden: %s: %w", v.name, err)
		}
		fmt.Println("made", v.name)
	}
	return nil
}

// generate runs one server, works on it, and keeps dump and files.
func (v variant) generate(ctx context.Context, out string) (err error) {
	work, err := os.MkdirTemp("", "golden-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	dataDir := filepath.Join(work, "data")
	s, err := javazk.Start(ctx, javazk.Options{
		Version: v.version, DataDir: dataDir, Flags: slices.Concat(commonFlags, v.flags), Progress: os.Stderr,
		Config: []string{"maxSessionTimeout=600000"},
	})
	if err != nil {
		return err
	}
	state, err := operate(ctx, s.Connect(), v.version)
	// Killed, not stopped: the sessions and the log's tail stay as they are.
	if err := errors.Join(err, s.Kill()); err != nil {
		return err
	}
	if err := writeDump(filepath.Join(out, v.name+".json.gz"), state); err != nil {
		return err
	}
	return pack(filepath.Join(out, v.name+".tar.gz"), filepath.Join(dataDir, "version-2"))
}
