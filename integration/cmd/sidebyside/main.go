// Command sidebyside measures coord and Java ZooKeeper in one run, on one
// machine and disk, in alternating rounds, and prints both figures of each
// measure, their ratio and the target that coord has to reach.
//
// Only one server runs at a time: the other is stopped with SIGSTOP, so that it
// keeps what its just-in-time compiler has learnt. In the parts with an ensemble
// of three nodes the other one is idle instead. Both sync every write to disk;
// Java has a heap of 1 GiB.
//
// It needs Linux, Go, a JDK 17 and, the first time, Maven. Its files are in a
// temporary directory that it removes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// parts are what can be measured, in the order it is done.
var parts = []string{"load", "latency", "start", "memory", "snapshot", "failover", "quorum", "kafka", "join"}

// settings are the command line's.
type settings struct {
	parts, servers []string
	rounds         int
	seconds        time.Duration
	warmUp         time.Duration
	connections    int
	outstanding    int
	valueBytes     int
	znodes         int
	dir            string
	json           bool
	progress       io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sidebyside:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	s, err := parse(args, progress)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.dir, "sidebyside-")
	if err != nil {
		return fmt.Errorf("make a directory for the servers: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s.dir = dir
	warnOfMemoryDisk(dir, progress)
	r := newReport(s)
	for _, part := range s.parts {
		if err := measure(ctx, s, part, r); err != nil {
			return fmt.Errorf("measure %s: %w", part, err)
		}
	}
	if s.json {
		return r.writeJSON(out)
	}
	return r.writeMarkdown(out)
}

func parse(args []string, progress io.Writer) (*settings, error) {
	s := &settings{progress: progress}
	var only, servers, format string
	f := flag.NewFlagSet("sidebyside", flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&only, "only", strings.Join(parts, ","), "`parts` to measure")
	f.StringVar(&servers, "servers", "java,coord", "`servers` to measure; with one of them there are no ratios")
	f.IntVar(&s.rounds, "rounds", 3, "alternating `rounds`; figures are their medians")
	seconds := f.Float64("seconds", 5, "measured `seconds` of each workload and round")
	warmUp := f.Float64("warmup", 3, "`seconds` of load before them")
	f.IntVar(&s.connections, "connections", 30, "connections of the load")
	f.IntVar(&s.outstanding, "outstanding", 16, "requests outstanding on each connection")
	f.IntVar(&s.valueBytes, "bytes", 100, "`bytes` of data in a znode")
	f.IntVar(&s.znodes, "znodes", 1_000_000, "znodes of the memory, snapshot and join parts")
	f.StringVar(&s.dir, "dir", "", "`directory` for the servers' files; choose a real disk (default: the system's temporary one)")
	f.StringVar(&format, "o", "markdown", "output: markdown or json")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if s.parts, err = choose("-only", only, parts); err != nil {
		return nil, err
	}
	if s.servers, err = choose("-servers", servers, []string{"java", "coord"}); err != nil {
		return nil, err
	}
	if format != "markdown" && format != "json" {
		return nil, fmt.Errorf("-o %s: want markdown or json", format)
	}
	if s.rounds < 1 || *seconds <= 0 || *warmUp < 0 || s.znodes < 1 {
		return nil, errors.New("-rounds, -seconds and -znodes must be positive, -warmup not negative")
	}
	s.json = format == "json"
	s.seconds = time.Duration(*seconds * float64(time.Second))
	s.warmUp = time.Duration(*warmUp * float64(time.Second))
	return s, nil
}

// choose reads a comma-separated list of known words, into the order of known.
func choose(name, list string, known []string) ([]string, error) {
	asked := strings.Split(list, ",")
	for _, word := range asked {
		if !slices.Contains(known, word) {
			return nil, fmt.Errorf("%s %s: %q is not one of %s", name, list, word, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(known), func(word string) bool { return !slices.Contains(asked, word) }), nil
}

// say prints one line of progress.
func (s *settings) say(format string, values ...any) {
	fmt.Fprintf(s.progress, time.Now().Format("15:04:05 ")+format+"\n", values...)
}
