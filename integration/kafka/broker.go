package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kafkacoord/integration/jvm"
	"kafkacoord/integration/process"
)

const (
	// DefaultSessionTimeout is short, so that tests which wait for its end
	// are short; Kafka's own default is 18 s.
	DefaultSessionTimeout = 6 * time.Second
	// readyTimeout bounds a start on a loaded machine; five seconds is usual.
	readyTimeout = 120 * time.Second
	// stopGrace bounds a controlled shutdown.
	stopGrace = 60 * time.Second
	// portTries bounds how often another free port is tried.
	portTries = 4
	// readyPollInterval is how often the log is looked at while waiting.
	readyPollInterval = 50 * time.Millisecond
	// startedMark is what every version logs when it serves requests.
	startedMark = "started (kafka.server.KafkaServer)"
)

// log4jProperties names the logger in full, as startedMark has it.
const log4jProperties = `log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{ISO8601} %-5p %m (%c)%n
log4j.logger.org.apache.zookeeper=INFO
`

// Options say which broker to run. ZooKeeperConnect and Dir are required, Dir
// not in StartTest.
type Options struct {
	// Version is a key of Versions; empty is Newest.
	Version string
	// ZooKeeperConnect is host:port[,host:port…][/chroot], as in Kafka.
	ZooKeeperConnect string
	// BrokerID is broker.id.
	BrokerID int
	// Port is the listener's port on 127.0.0.1; 0 takes a free one, which
	// the broker then keeps.
	Port int
	// Dir holds data, server.properties and broker.log; created when missing.
	Dir string
	// SessionTimeout is zookeeper.session.timeout.ms; 0 is
	// DefaultSessionTimeout.
	SessionTimeout time.Duration
	// Config are further lines of server.properties; they win over the
	// defaults.
	Config []string
	// Flags are JVM flags after the defaults.
	Flags []string
	// Progress receives lines while jars are downloaded; nil drops them.
	Progress io.Writer
}

// Broker is one broker with its files. Its methods are called from one
// goroutine at a time.
type Broker struct {
	options   Options
	classpath string
	port      int
	process   *process.Process
}

// Start fetches the jars when needed, runs the broker, and returns when it has
// registered itself and serves requests.
func Start(ctx context.Context, options Options) (*Broker, error) {
	if options.Version == "" {
		options.Version = Newest
	}
	if options.SessionTimeout == 0 {
		options.SessionTimeout = DefaultSessionTimeout
	}
	jars, err := Jars(options.Version)
	if err != nil {
		return nil, err
	}
	if options.Dir, err = filepath.Abs(options.Dir); err != nil {
		return nil, fmt.Errorf("kafka: find the broker's directory: %w", err)
	}
	b := &Broker{options: options, port: options.Port}
	if b.classpath, err = jars.Classpath(ctx, options.Progress); err != nil {
		return nil, err
	}
	if b.port != 0 {
		return b, b.Start(ctx)
	}
	for range portTries {
		if b.port, err = process.FreePort(); err != nil {
			return nil, err
		}
		err = b.Start(ctx)
		if err == nil {
			return b, nil
		}
		if !errors.Is(err, process.ErrStrangerListens) && !strings.Contains(err.Error(), "already in use") {
			break
		}
	}
	return nil, err
}

// StartTest is Start for a test: an empty Dir is a temporary one, a failure
// ends the test, and the broker ends with the test, its log shown if that
// failed.
func StartTest(t testing.TB, options Options) *Broker {
	t.Helper()
	if options.Dir == "" {
		options.Dir = filepath.Join(t.TempDir(), "broker")
	}
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	b, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Kill(); err != nil {
			t.Errorf("end the broker with the test: %v", err)
		}
		if t.Failed() {
			t.Logf("end of the log of Kafka %s (%s):\n%s", b.options.Version, b.LogFile(), b.LogTail(40))
		}
	})
	return b
}

// Start runs the broker again after Stop or Kill, on its port and data, and
// returns when it serves requests. One that still runs is stopped first.
func (b *Broker) Start(ctx context.Context) error {
	if err := b.Stop(); err != nil {
		return err
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	var logged int64
	if info, err := os.Stat(b.LogFile()); err == nil {
		logged = info.Size()
	}
	started, err := jvm.Start(ctx, jvm.Spec{
		Name:      b.Name(),
		Classpath: b.classpath,
		Flags: append([]string{
			"-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-Dlog4j.configuration=file:" + b.loggingFile(),
		}, b.options.Flags...),
		Main:    "kafka.Kafka",
		Args:    []string{b.configFile()},
		Dir:     b.options.Dir,
		LogFile: b.LogFile(),
	})
	if err != nil {
		return err
	}
	b.process = started
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := b.waitReady(ctx, logged); err != nil {
		return errors.Join(err, b.Kill())
	}
	return nil
}

// waitReady waits for the mark in the log beyond what earlier starts wrote,
// and makes sure that it is this broker's socket that listens.
func (b *Broker) waitReady(ctx context.Context, logged int64) error {
	if err := b.process.WaitListening(ctx, b.port); err != nil {
		return err
	}
	ticker := time.NewTicker(readyPollInterval)
	defer ticker.Stop()
	for {
		text, err := os.ReadFile(b.LogFile())
		if err != nil {
			return fmt.Errorf("kafka: read the log of %s: %w", b.Name(), err)
		}
		if bytes.Contains(text[min(logged, int64(len(text))):], []byte(startedMark)) {
			return nil
		}
		select {
		case <-b.process.Done():
			return fmt.Errorf("kafka: start %s: %w; end of its log:\n%s", b.Name(), process.ErrEnded, b.LogTail(30))
		case <-ctx.Done():
			return fmt.Errorf("kafka: wait until %s serves: %w; end of its log:\n%s", b.Name(), ctx.Err(), b.LogTail(30))
		case <-ticker.C:
		}
	}
}

func (b *Broker) writeFiles() error {
	if err := os.MkdirAll(b.options.Dir, 0o755); err != nil {
		return fmt.Errorf("kafka: make the directory of %s: %w", b.Name(), err)
	}
	for name, text := range map[string]string{
		b.configFile():      b.properties(),
		b.loggingFile():     log4jProperties,
		b.toolLoggingFile(): toolLog4jProperties,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("kafka: write %s: %w", name, err)
		}
	}
	return nil
}

// properties is the server.properties: one small broker that is quick to start
// and holds few threads and little memory. Keys that a version does not know
// make it warn, no more.
func (b *Broker) properties() string {
	lines := []string{
		"broker.id=" + strconv.Itoa(b.options.BrokerID),
		"listeners=PLAINTEXT://" + b.Address(),
		"log.dirs=" + filepath.Join(b.options.Dir, "data"),
		"zookeeper.connect=" + b.options.ZooKeeperConnect,
		"zookeeper.session.timeout.ms=" + strconv.FormatInt(b.options.SessionTimeout.Milliseconds(), 10),
		"zookeeper.connection.timeout.ms=60000",
		"auto.create.topics.enable=false",
		"delete.topic.enable=true",
		"offsets.topic.num.partitions=2",
		"offsets.topic.replication.factor=1",
		"transaction.state.log.num.partitions=2",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
		"log.cleaner.dedupe.buffer.size=16777216",
		"num.network.threads=2",
		"num.io.threads=4",
	}
	return strings.Join(append(lines, b.options.Config...), "\n") + "\n"
}

func (b *Broker) configFile() string  { return filepath.Join(b.options.Dir, "server.properties") }
func (b *Broker) loggingFile() string { return filepath.Join(b.options.Dir, "log4j.properties") }

// Name is for messages: "Kafka 3.9.1 broker 0".
func (b *Broker) Name() string {
	return fmt.Sprintf("Kafka %s broker %d", b.options.Version, b.options.BrokerID)
}

// Address is the listener, for bootstrap.servers.
func (b *Broker) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// ID is broker.id, SessionTimeout the requested ZooKeeper session timeout.
func (b *Broker) ID() int { return b.options.BrokerID }

// SessionTimeout is the session timeout that the broker asks the server for.
func (b *Broker) SessionTimeout() time.Duration { return b.options.SessionTimeout }

// LogFile is the path of the broker's log, which restarts append to.
func (b *Broker) LogFile() string { return filepath.Join(b.options.Dir, "broker.log") }

// LogTail returns the last n lines of the log.
func (b *Broker) LogTail(n int) string { return process.LogTail(b.LogFile(), n) }

// Process is the process of the latest start.
func (b *Broker) Process() *process.Process { return b.process }

// Stop is Kafka's controlled shutdown (SIGTERM); it ends the session.
func (b *Broker) Stop() error {
	if b.process == nil {
		return nil
	}
	return b.process.Stop(stopGrace)
}

// Kill ends the broker with SIGKILL: its session lives on until its timeout.
func (b *Broker) Kill() error {
	if b.process == nil {
		return nil
	}
	return b.process.Kill()
}

// Pause stops the process with SIGSTOP, Continue lets it run on.
func (b *Broker) Pause() error { return b.process.Pause() }

// Continue lets a paused broker run on.
func (b *Broker) Continue() error { return b.process.Continue() }
