package javazk

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kafkacoord/integration/jvm"
	"kafkacoord/integration/process"
	"kafkacoord/integration/server"
)

// Newest is the version that is meant where none is given.
const Newest = "3.9.4"

// MainClass starts a server from a zoo.cfg; with no server.N lines in it, a
// standalone one.
const MainClass = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

// heapFlag is the default heap. A flag of the caller's comes later on the
// command line and wins.
const heapFlag = "-Xmx1g"

// jarSets lists for each version what its release has on the class path and
// its Maven artifact does not depend on by itself. Only the newest, whose metric
// names are compared, gets the Prometheus provider.
var jarSets = map[string][]string{
	"3.9.4": {
		"org.apache.zookeeper:zookeeper-prometheus-metrics:3.9.4", "org.xerial.snappy:snappy-java:1.1.10.5",
		"io.dropwizard.metrics:metrics-core:4.1.12.1", "org.eclipse.jetty:jetty-server:9.4.57.v20241219",
		"org.eclipse.jetty:jetty-servlet:9.4.57.v20241219", "commons-cli:commons-cli:1.5.0", "jline:jline:2.14.6",
		"org.slf4j:slf4j-reload4j:2.0.13",
	},
	"3.8.4": {
		"org.xerial.snappy:snappy-java:1.1.10.5",
		"io.dropwizard.metrics:metrics-core:4.1.12.1", "org.eclipse.jetty:jetty-server:9.4.53.v20231009",
		"org.eclipse.jetty:jetty-servlet:9.4.53.v20231009", "commons-cli:commons-cli:1.5.0", "jline:jline:2.14.6",
		"org.slf4j:slf4j-reload4j:1.7.36",
	},
	"3.6.4": {
		"org.xerial.snappy:snappy-java:1.1.7.7",
		"io.dropwizard.metrics:metrics-core:3.2.5", "org.eclipse.jetty:jetty-server:9.4.43.v20210629",
		"org.eclipse.jetty:jetty-servlet:9.4.43.v20210629", "commons-cli:commons-cli:1.2", "jline:jline:2.14.6",
		"org.slf4j:slf4j-reload4j:1.7.36",
	},
	"3.5.10": {
		"org.eclipse.jetty:jetty-server:9.4.43.v20210629", "org.eclipse.jetty:jetty-servlet:9.4.43.v20210629",
		"commons-cli:commons-cli:1.2", "jline:jline:2.14.6", "org.slf4j:slf4j-reload4j:1.7.36",
	},
	"3.4.14": {},
}

// log4jProperties sends everything from INFO to standard output. All versions
// get log4j 1 or its drop-in reload4j, so one file serves.
const log4jProperties = `log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{ISO8601} %-5p [%t] %c{1}: %m%n
`

// Versions are the versions that can be started, in lexical order.
func Versions() []string { return slices.Sorted(maps.Keys(jarSets)) }

// Jars is the jar set of a version: server, shell (ZooKeeperMain), admin
// server, Prometheus provider and logging.
func Jars(version string) (jvm.JarSet, error) {
	extra, ok := jarSets[version]
	if !ok {
		return jvm.JarSet{}, fmt.Errorf("javazk: unknown ZooKeeper version %q, known are %s", version, strings.Join(Versions(), ", "))
	}
	return jvm.JarSet{
		Name:       "zookeeper-" + version,
		Artifacts:  append([]string{"org.apache.zookeeper:zookeeper:" + version}, extra...),
		Exclusions: []string{"ch.qos.logback:logback-classic", "ch.qos.logback:logback-core"},
	}, nil
}

// Options say which server to run. DataDir is required except in StartTest.
type Options struct {
	// Version is a key of Versions; empty is Newest.
	Version string
	// Port is the client port; 0 takes a free one.
	Port int
	// DataDir is created when missing. zoo.cfg and log stand beside it, as
	// DataDir.cfg and DataDir.log.
	DataDir string
	// Config are further zoo.cfg lines, see server.Config.
	Config []string
	// Flags are JVM flags after the default -Xmx1g: -Xmx512m, -Dkey=value.
	Flags []string
	// Progress receives lines while jars are downloaded; nil drops them.
	Progress io.Writer
}

// Start fetches the jars when needed, runs the server, and returns when it
// serves sessions.
func Start(ctx context.Context, options Options) (*server.Server, error) {
	complete, err := serverOptions(ctx, options)
	if err != nil {
		return nil, err
	}
	return server.Start(ctx, complete)
}

// New fetches the jars when needed and returns a server that does not run yet:
// a member of an ensemble. Port must be given.
func New(ctx context.Context, options Options) (*server.Server, error) {
	complete, err := serverOptions(ctx, options)
	if err != nil {
		return nil, err
	}
	return server.New(complete)
}

func serverOptions(ctx context.Context, options Options) (server.Options, error) {
	if options.Version == "" {
		options.Version = Newest
	}
	jars, err := Jars(options.Version)
	if err != nil {
		return server.Options{}, err
	}
	classpath, err := jars.Classpath(ctx, options.Progress)
	if err != nil {
		return server.Options{}, err
	}
	name := "Java ZooKeeper " + options.Version
	launch := func(ctx context.Context, configFile, logFile string) (*process.Process, error) {
		logging := configFile + ".log4j.properties"
		if err := os.WriteFile(logging, []byte(log4jProperties), 0o644); err != nil {
			return nil, fmt.Errorf("javazk: write the logging configuration of %s: %w", name, err)
		}
		return jvm.Start(ctx, jvm.Spec{
			Name:      name,
			Classpath: classpath,
			Flags:     append([]string{heapFlag, "-Dlog4j.configuration=file:" + logging}, options.Flags...),
			Main:      MainClass,
			Args:      []string{configFile},
			LogFile:   logFile,
		})
	}
	return server.Options{
		Name:    name,
		Launch:  launch,
		Port:    options.Port,
		DataDir: options.DataDir,
		Config:  options.Config,
	}, nil
}

// StartTest is Start for a test: an empty DataDir is a temporary one, a
// failure ends the test, and the server ends with the test, its log shown if
// that failed.
func StartTest(t testing.TB, options Options) *server.Server {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = filepath.Join(t.TempDir(), "zookeeper")
	}
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	s, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	s.EndWith(t)
	return s
}
