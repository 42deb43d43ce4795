package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"kafkacoord/coord"
	"kafkacoord/coord/admin"
	"kafkacoord/coord/config"
	"kafkacoord/coord/store"
)

// newcomer is the configuration of a server started without one: for trying
// things out on this machine, never for others to reach.
const newcomer = `dataDir=./data
clientPort=2181
clientPortAddress=127.0.0.1
tickTime=2000
4lw.commands.whitelist=*
metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider
metricsProvider.httpHost=127.0.0.1
metricsProvider.httpPort=7000
`

type serveFlags struct {
	config    string
	define    []string
	logFormat string
	logLevel  string
}

func serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve [--config zoo.cfg] [-Dname=value ...]",
		Short: "Run a server until it is told to stop",
		Long: `Run a server with ZooKeeper's configuration file. Without --config it serves on
127.0.0.1:2181 with its data under ./data and metrics on 127.0.0.1:7000.`,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			for _, property := range f.define {
				args = append(args, "-D"+property)
			}
			return serve(c, &f, args)
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "configuration file in the format of zoo.cfg")
	c.Flags().StringArrayVarP(&f.define, "define", "D", nil, "a system property of ZooKeeper, name=value; wins over the file")
	c.Flags().StringVar(&f.logFormat, "log-format", "text", "text or json")
	c.Flags().StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	return c
}

func serve(c *cobra.Command, f *serveFlags, args []string) error {
	log, err := newLogger(c.ErrOrStderr(), f)
	if err != nil {
		return &exitError{2, err}
	}
	cfg, err := readConfig(f.config, args, log)
	if err != nil {
		return &exitError{config.ExitInvalidInvocation, err}
	}
	coord.TuneMemory()
	node, err := coord.Start(c.Context(), cfg, coord.WithLogger(log))
	if err != nil {
		if code := config.ExitCode(err); code != config.ExitUnexpected {
			return &exitError{code, err}
		}
		if isDataError(err) {
			return &exitError{config.ExitUnableToAccessData, err}
		}
		return err
	}
	err = node.Wait()
	log.Info("server stopped")
	return err
}

// isDataError tells whether a start failed because of what is on disk.
func isDataError(err error) bool {
	var damage *store.CorruptionError
	var gap *store.GapError
	var file *fs.PathError // errors of ports are others
	return errors.As(err, &damage) || errors.As(err, &gap) || errors.As(err, &file) ||
		errors.Is(err, store.ErrMixedDirectories) || errors.Is(err, store.ErrNoSnapshot) ||
		errors.Is(err, syscall.EWOULDBLOCK) // another server has the directory
}

// readConfig reads the file, or takes the newcomer's one, with the system
// properties that ZooKeeper's start scripts take from the environment.
func readConfig(path string, args []string, log *slog.Logger) (*config.Config, error) {
	var properties []config.Property
	for _, name := range []string{"KAFKA_OPTS", "JVMFLAGS", "SERVER_JVMFLAGS"} {
		a, err := config.ParseFlags(name, os.Getenv(name))
		if err != nil {
			return nil, err
		}
		properties = append(properties, a.Properties...)
	}
	a := config.ParseArgs("command line", args)
	properties = append(properties, a.Properties...)
	var cfg *config.Config
	var warnings []config.Warning
	var err error
	switch {
	case path != "":
		cfg, warnings, err = config.Load(path, properties...)
	case len(a.Rest) > 0:
		cfg, warnings, err = config.LoadArguments(a.Rest, properties...)
	default:
		cfg, warnings, err = config.Parse(strings.NewReader(newcomer), "built-in", properties...)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn(w.String())
	}
	if words := admin.NewWhitelist(cfg.FourLetterWhitelist, cfg.ReadOnlyMode).Unknown(); len(words) > 0 {
		log.Warn("4lw.commands.whitelist names words that this server does not know; they have no effect", "words", strings.Join(words, ", "))
	}
	return cfg, nil
}

func newLogger(out io.Writer, f *serveFlags) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	o := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(out, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, o)), nil
	}
	return nil, fmt.Errorf("--log-format %q: choose text or json", f.logFormat)
}
